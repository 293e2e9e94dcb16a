"""Lobule labels on people whose cerebellum was outlined by hand, but whose lobules were not.

The lobule atlas is carried onto each person along the real fissures (T1 and manual outline); the manual labels
then have the last word on what is cerebellum, what is white matter, and which vermal group a voxel belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.vermis import VERMIS_GROUPS
from cerebbids.nets.displacement import jacobian_determinant, warp
from cerebbids.systems.grid import CEREBELLUM_1MM, Grid
from cerebbids.training.atlas import Template, smooth, soft
from cerebbids.training.deformable import Pair, register

CORTEX = {"left": 39, "right": 38}
WHITE = {"left": 41, "right": 40}
VERMIS = {value: tuple(lobule - 1 for lobule in lobules) for value, lobules in VERMIS_GROUPS.items()}
"""Neuromorphometrics vermal labels -> lobules of one side (0 is I-II) that may lie there."""
MANUAL = (*CORTEX.values(), *WHITE.values(), *VERMIS)


@dataclass(frozen=True)
class Labelled:
    """One person on the cerebellum grid.

    ``manual`` uint8 (Neuromorphometrics values), ``lobules`` uint8 (channels 0..26),
    ``vermis_dice``: agreement of the carried atlas with 71, 72, 73 before these were used, ``folded``: share of
    cerebellum voxels where the registration folds.
    """

    manual: np.ndarray
    lobules: np.ndarray
    vermis_dice: tuple[float, float, float]
    folded: float


def manual_on_grid(dseg: nib.Nifti1Image, t1w_to_mni: np.ndarray, grid: Grid) -> np.ndarray:
    """Bring manual labels onto the grid: the label with the largest linear share wins (uint8)."""
    world_map = np.linalg.inv(t1w_to_mni)
    shares = np.stack([soft(dseg, (value,), grid, world_map) for value in MANUAL])
    with_background = np.concatenate([1 - shares.sum(0, keepdims=True), shares])
    return np.array([0, *MANUAL], np.uint8)[with_background.argmax(0)]


def scaled(t1w: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Divide by the 95th percentile inside ``region`` and clip to 0..1.6."""
    return np.clip(t1w / np.percentile(t1w[region], 95), 0, 1.6).astype(np.float32)


def carry(t1w: np.ndarray, outline: np.ndarray, template: Template, grid: Grid) -> torch.Tensor:
    """Register the template's T1w and outline to a person's; displacement (1, 3, X, Y, Z), voxels, pull-back."""
    t1w_template = resample(template_t1w(), grid.shape, grid.affine, order=1).get_fdata(dtype=np.float32)
    near = ndimage.binary_dilation(outline, iterations=6)

    def tensor(volume: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None, None]

    pair = Pair(
        fixed_channels=tensor(smooth(outline, 1)),
        moving_channels=tensor(smooth(template.cerebellum > 0.5, 1)),
        fixed_image=tensor(scaled(t1w, outline)),
        moving_image=tensor(scaled(t1w_template, template.cerebellum > 0.5)),
        region=tensor(near),
    )
    return register(pair, stiffness=2.0)


def vermis_agreement(lobules: np.ndarray, manual: np.ndarray) -> tuple[float, float, float]:
    """Dice of the carried lobule groups with 71, 72 and 73 inside the manual vermis.

    Parameters
    ----------
    lobules : ndarray of int
        Lobule of one side, 0 (I-II) to 11 (X), per voxel.
    manual : ndarray of int
        Neuromorphometrics values on the same grid.
    """
    vermis = np.isin(manual, tuple(VERMIS))
    scores = []
    for value, members in VERMIS.items():
        carried, drawn = np.isin(lobules, members) & vermis, manual == value
        scores.append(2 * (carried & drawn).sum() / max(1, carried.sum() + drawn.sum()))
    return tuple(float(s) for s in scores)


def decide(probabilities: np.ndarray, manual: np.ndarray) -> np.ndarray:
    """Name every manual cerebellum voxel after its most likely lobule among those it may belong to.

    Parameters
    ----------
    probabilities : ndarray, (26, X, Y, Z)
        The carried atlas.
    manual : ndarray, (X, Y, Z)
        Neuromorphometrics values.

    Returns
    -------
    ndarray, (X, Y, Z), uint8
        Channels of ``seg-Lobules``: 0 background, 1-12 left lobules, 13 left white matter, 14-26 the right side.
    """
    sides = {"left": probabilities[:12], "right": probabilities[N_SIDE : N_SIDE + 12]}
    first = {"left": 1, "right": 1 + N_SIDE}
    labels = np.zeros(manual.shape, np.uint8)
    for side, lobules in sides.items():
        cortex = manual == CORTEX[side]
        labels[cortex] = lobules[:, cortex].argmax(0) + first[side]
        labels[manual == WHITE[side]] = first[side] + 12
    is_left = smooth(sides["left"].sum(0), 1) >= smooth(sides["right"].sum(0), 1)
    for value, members in VERMIS.items():
        for side in sides:
            here = (manual == value) & (is_left == (side == "left"))
            allowed = np.array(members)
            labels[here] = allowed[sides[side][allowed][:, here].argmax(0)] + first[side]
    return labels


def label_person(
    t1w: nib.Nifti1Image,
    dseg: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    atlas: np.ndarray,
    template: Template,
    grid: Grid = CEREBELLUM_1MM,
) -> Labelled:
    """Make the lobule labels of one person on the cerebellum grid.

    Parameters
    ----------
    t1w, dseg : Nifti1Image
        Image and manual labels on one native grid.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> template world, mm.
    atlas : ndarray, (26, X, Y, Z)
        From :func:`cerebbids.training.atlas.vote`.
    template : Template
    grid : Grid
    """
    manual = manual_on_grid(dseg, t1w_to_mni, grid)
    image = resample(t1w, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni), order=1).get_fdata(dtype=np.float32)
    displacement = carry(image, manual > 0, template, grid)
    carried = warp(torch.from_numpy(atlas)[None], displacement)[0].numpy()
    one_side = (carried[:12] + carried[N_SIDE : N_SIDE + 12]).argmax(0)
    folded = float((jacobian_determinant(displacement)[0].numpy()[manual > 0] <= 0).mean())
    return Labelled(manual, decide(carried, manual), vermis_agreement(one_side, manual), folded)
