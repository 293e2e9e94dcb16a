"""From the cerebellum of an infant to its tissues, on the grid of the image, each voxel with how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch

from cerebbids.imaging.along import AlongBox, Shares, box_along, from_box, mask_onto_box, onto_box
from cerebbids.imaging.shares import with_background
from cerebbids.inference.answer import keep_largest
from cerebbids.inference.inputs import standardise_inside
from cerebbids.inference.trust import confidence, shown
from cerebbids.inference.windows import both_ways

SPACING = 0.8
"""Edge of the voxels that the networks have learnt from, mm."""
MARGIN = 6.4
"""What they saw of nothing around a cut-out cerebellum, mm."""


@dataclass(frozen=True)
class Tissues:
    """Tissues of a cerebellum on a part of the grid of its image.

    Parameters
    ----------
    part : tuple of slice
        Which part of the grid; beyond it there is background alone.
    probabilities : ndarray, (4, X, Y, Z), float32
        Background, fluid, grey and white matter.
    trust : ndarray, (X, Y, Z), float32
        Probability that the label is right, as the second network judges; 0 where none was given.
    """

    part: tuple[slice, ...]
    probabilities: np.ndarray
    trust: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Most likely tissue, (X, Y, Z) uint8: 0 background, 1 fluid, 2 grey and 3 white matter."""
        return self.probabilities.argmax(0).astype(np.uint8)


def find_tissues(
    net: torch.nn.Module,
    judge: torch.nn.Module,
    t1w: nib.Nifti1Image,
    inside: np.ndarray,
    device: torch.device,
    *,
    backwards: bool = False,
) -> Tissues:
    """Label the tissues inside a mask.

    The networks see the box around the mask at 0.8 mm along the image's own axes, standardised inside, 0 outside. The
    second axis runs to posterior, as in the arrays that they have learnt from.

    Parameters
    ----------
    net : Module
        Names tissues.
    judge : Module
        Tells how far to trust them.
    t1w : Nifti1Image
        3D, any orientation.
    inside : ndarray of bool, (X, Y, Z)
        Cerebellum, brainstem beside it, and the fluid around, on its grid; not empty.
    device : torch.device
    backwards : bool
        Whether front and back are not where the header says.
    """
    box = box_along(t1w, inside, SPACING, MARGIN)
    within = mask_onto_box(inside, t1w.affine, box)
    seen = torch.from_numpy(standardise_inside(onto_box(t1w, box), within))[None]
    turn = () if backwards else (2,)
    probabilities = both_ways(net, seen.flip(turn).to(device)).cpu().flip(turn)
    outside = torch.from_numpy(~within)
    probabilities[:, outside] = 0
    probabilities[0, outside] = 1
    probabilities = keep_largest(probabilities)
    judgement = both_ways(judge, shown(probabilities).flip(turn).to(device)).cpu().flip(turn)
    trust = confidence(judgement)
    return _on_grid(probabilities, trust, box, t1w)


def _on_grid(probabilities: torch.Tensor, trust: torch.Tensor, box: AlongBox, t1w: nib.Nifti1Image) -> Tissues:
    """Read everything on the image's grid; what is not of a tissue is background, beyond the box as well."""
    volumes = torch.cat((probabilities[1:], trust[None])).numpy()
    read: Shares = from_box(volumes, box, t1w.shape, t1w.affine)
    every = with_background(read.shares[:-1])
    labelled = every.argmax(0) > 0
    return Tissues(read.part, every, np.where(labelled, read.shares[-1].clip(0, 1), 0))
