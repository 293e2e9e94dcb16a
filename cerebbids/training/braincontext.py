"""What a second network of the isointense system sees beside the images: distances to what a first one has found."""

from __future__ import annotations

import numpy as np
import torch

from cerebbids.inference.brains import isointense_probabilities
from cerebbids.inference.context import distance_maps
from cerebbids.training.braincases import BrainCase


def with_context(net: torch.nn.Module, case: BrainCase, side: int, spacing: float) -> BrainCase:
    """A case whose images have the distances to what a network has found beside them (Zeng & Zheng 2018, section 3).

    Parameters
    ----------
    net : Module
        The first network, in evaluation mode.
    case : BrainCase
        With the images of T1w and T2w alone, (2, X, Y, Z).
    side : int
        Of a patch, voxels.
    spacing : float
        Edge of a voxel, mm.

    Returns
    -------
    BrainCase
        On the same voxels, with five channels, (5, X, Y, Z): T1w, T2w, and distances to fluid, grey and white matter as
        :func:`cerebbids.inference.context.distance_maps` has them, -1 to 1.
    """
    seen = torch.from_numpy(case.images).to(next(net.parameters()).device)
    probabilities = isointense_probabilities(net, seen, side)
    found = probabilities.argmax(0).to(torch.uint8).cpu().numpy()
    distances = distance_maps(found, len(probabilities), (spacing,) * 3)
    return BrainCase(case.id, np.concatenate((case.images, distances)), case.labels, case.weeks)
