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
    side : int
        Of a patch, voxels.
    spacing : float
        Edge of a voxel, mm.
    """
    probabilities = isointense_probabilities(net, torch.from_numpy(case.images), side)
    found = probabilities.argmax(0).to(torch.uint8).numpy()
    distances = distance_maps(found, len(probabilities), (spacing,) * 3)
    return BrainCase(case.id, np.concatenate((case.images, distances)), case.labels, case.weeks)
