"""Painted images of whole brains of neonates and infants, T1w and T2w, with exact classes.

Only what a head's tissues are is real, of a few brains; shapes, contrasts and all around are made up. The age shows in
the contrast of tissues and in how mature they look, and never in the size, which is drawn by itself: what tells an age
from these images cannot go by size. Nor by the folds of the cortex, by which real ages show: all neonates have those of
one brain at term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from nibabel.affines import from_matvec
from scipy import ndimage

from cerebbids.inference.inputs import standardise_inside
from cerebbids.training import neonates
from cerebbids.training.augmentation import scanner
from cerebbids.training.brainlooks import draw_contrast
from cerebbids.training.brainmaps import BrainMap
from cerebbids.training.infantanatomy import draw_pose, nearest_voxels, tissues_on, to_map
from cerebbids.training.infantheads import textured
from cerebbids.training.infantmaps import CLASS_OF, QUARTER, Tissue

SPACING = 1.0
"""Edge of a voxel, mm."""
SIDE_MM = 200.0
"""Of the cube that is painted around the middle of a brain, before it is cut to what is shown."""
MARGIN = 4
"""Voxels of nothing around what is shown."""
SIZES = {"isointense": (0.93, 1.08), "neonatal": (0.7, 1.12)}
"""Mean edge lengths beside those of the map; poses vary them by 15 % more."""
STRIPPED_MM = (0.5, 5.0)
"""How far what is shown goes beyond the closed surface of the brain."""
REST = 0.3
"""Share of cerebra that are shown with cerebellum and brainstem."""
BLUR = (0.35, 0.65)
"""Of the painted tissues, SD in voxels: what mixes in a voxel."""
_FLUID = (Tissue.FLUID, Tissue.VEIN)
"""What is in the space of fluid."""


@dataclass(frozen=True)
class BrainCase:
    """One pair of images of a brain.

    Parameters
    ----------
    id : str
    images : ndarray, (channels, X, Y, Z), float32
        T1w and T2w, standardised inside what is shown, 0 around it; for a network with context, three distances, too.
    labels : ndarray, (X, Y, Z), uint8
        Classes of the system.
    weeks : float
        Postmenstrual age.
    """

    id: str
    images: np.ndarray
    labels: np.ndarray
    weeks: float


def painted_case(
    system: str, brains: tuple[BrainMap, ...], weeks: float, seed: tuple[int, ...], spacing: float = SPACING
) -> BrainCase:
    """Paint a brain at an age.

    Parameters
    ----------
    system : str
        ``isointense`` or ``neonatal``.
    brains : tuple of BrainMap
        One of them is taken.
    weeks : float
        Postmenstrual age.
    seed : tuple of int
        The same seed gives the same case.
    spacing : float
        Edge of a voxel, mm.
    """
    rng = np.random.default_rng(seed)
    brain = brains[int(rng.integers(len(brains)))]
    pose = draw_pose(brain.head, rng.uniform(*SIZES[system]), rng, brain.head.centre, (5.0, 5.0, 5.0))
    shape = (round(SIDE_MM / spacing),) * 3
    affine = from_matvec(np.eye(3) * spacing, [-spacing * (side - 1) / 2 for side in shape])
    tissues, beyond = tissues_on(brain.head, pose, affine, shape, rng)
    own = brain.classes.ravel()[nearest_voxels(brain.head, to_map(brain.head, pose, affine, shape))]
    inside = CLASS_OF[tissues] > 0
    labels = np.where(inside | np.isin(tissues, _FLUID), own, 0)
    shown = beyond < QUARTER * rng.uniform(*STRIPPED_MM)
    if system == "isointense" and rng.random() >= REST:
        shown &= own > 0
    contrast = draw_contrast(weeks, rng)
    images = np.stack([_scanned(means[tissues], rng) for means in (contrast.t1w, contrast.t2w)])
    box = _box(shown)
    shown, labels, images = shown[box], (labels * shown)[box], images[:, *box]
    if system == "neonatal":
        labels = np.where(shown & (labels == 0), neonates.OUTSIDE, labels)
    seen = np.stack([standardise_inside(image, shown) for image in images])
    return BrainCase("-".join(map(str, (system, *seed))), seen, labels.astype(np.uint8), weeks)


def _scanned(means: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One image of painted tissues: partial volume, texture, and all that a scanner does."""
    mixed = ndimage.gaussian_filter(means, rng.uniform(*BLUR))
    change = scanner()
    image = torch.from_numpy(textured(mixed, rng)[None])
    change.set_random_state(int(rng.integers(2**31)))
    return torch.as_tensor(change(image)).clamp(min=0)[0].numpy()


def _box(shown: np.ndarray) -> tuple[slice, ...]:
    found = ndimage.find_objects(shown.astype(int))[0]
    return tuple(slice(max(0, part.start - MARGIN), part.stop + MARGIN) for part in found)
