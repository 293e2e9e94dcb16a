"""A lobule atlas on the cerebellum grid: Diedrichsen2009 and five CoBrALab brains, each with its mirror image.

Probabilities are (26, X, Y, Z) in the channel order of ``seg-Lobules`` (left I-II ... X, white matter, then right).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.resample import resample
from cerebbids.nets.displacement import warp
from cerebbids.systems.grid import CEREBELLUM_1MM, Grid
from cerebbids.training.deformable import Pair, Stage, register

LOBULES_OF_GROUP = ((0, 1, 2), (3,), (4,), (5,), (6,), (7,), (8,), (9,), (10,), (11,))
"""Channels of one side (0 is I-II) that make up each Diedrichsen group I-IV, V, VI, ... X."""
DIEDRICHSEN_OF_GROUP = (
    (1, 2), (3, 4), (5, 6, 7), (8, 9, 10), (11, 12, 13), (14, 15, 16), (17, 18, 19), (20, 21, 22), (23, 24, 25),
    (26, 27, 28),
)  # fmt: skip
COBRALAB_BRAINS = (1, 2, 3, 4, 5)
LABEL_PYRAMID = (Stage(4, 8, 60), Stage(2, 4, 60), Stage(1, 4, 25))


@dataclass(frozen=True)
class Template:
    """The Diedrichsen2009 atlas on a grid.

    ``groups`` (10, X, Y, Z): soft lobule groups, both sides together; ``cerebellum``, ``white`` (X, Y, Z): soft masks.
    """

    groups: np.ndarray
    cerebellum: np.ndarray
    white: np.ndarray


def mirror(probabilities: np.ndarray) -> np.ndarray:
    """Mirror (26, X, Y, Z) lobule probabilities on a grid symmetric about x = 0, names of the sides swapped.

    Examples
    --------
    >>> p = np.zeros((26, 4, 1, 1))
    >>> p[0, 0] = 1
    >>> np.argwhere(mirror(p))[0]
    array([13,  3,  0,  0])
    """
    swap = np.array(load_scheme("Lobules").mirror[1:]) - 1
    return np.ascontiguousarray(probabilities[swap][:, ::-1])


def soft(image: nib.Nifti1Image, values: tuple[int, ...], grid: Grid, world_map=None) -> np.ndarray:
    """Membership of voxels in any of ``values``, brought linearly onto the grid, 0 to 1."""
    member = np.isin(np.asarray(image.dataobj), values).astype(np.float32)
    member_image = nib.Nifti1Image(member, image.affine)
    return resample(member_image, grid.shape, grid.affine, world_map, order=1).get_fdata(dtype=np.float32)


def load_template(kit: Path, grid: Grid = CEREBELLUM_1MM) -> Template:
    """Read Diedrichsen2009 in MNI152NLin2009cSym and bring it onto the grid (the same world as 2009aSym)."""
    stem = str(Path(kit) / "adult" / "suit" / "tpl-MNI152NLin2009cSymC_")
    atlas = nib.load(stem + "atlas-Diedrichsen2009_dseg.nii.gz")
    groups = np.stack([soft(atlas, values, grid) for values in DIEDRICHSEN_OF_GROUP])
    mask = resample(nib.load(stem + "label-CBM_mask.nii.gz"), grid.shape, grid.affine, order=1).get_fdata()
    cerebellum = np.clip(np.maximum(mask, groups.sum(0)), 0, 1).astype(np.float32)
    return Template(groups, cerebellum, np.clip(cerebellum - groups.sum(0), 0, 1))


def cobralab_dseg(kit: Path, brain: int) -> Path:
    """Manual lobule map of one CoBrALab brain."""
    return Path(kit) / "adult" / "cobralab" / f"brain{brain}_dseg.nii.gz"


def clean_cobralab(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Set stray values (brain3 has a few) to background."""
    data = np.asarray(image.dataobj).astype(np.int16)
    data[~np.isin(data, load_scheme("Lobules").indices)] = 0
    return nib.Nifti1Image(data, image.affine)


def centroid_affine(image: nib.Nifti1Image, template: Template, grid: Grid) -> np.ndarray:
    """Least-squares affine, grid world -> CoBrALab world (mm), from the centroids of 20 lobule groups."""
    indices = np.array(load_scheme("Lobules").indices)
    data = np.asarray(image.dataobj)
    x = apply_affine(grid.affine, np.argwhere(np.ones(grid.shape, bool)))[:, 0].reshape(grid.shape)
    source, target = [], []
    for group, lobules in enumerate(LOBULES_OF_GROUP):
        for side, half in ((0, x < 0), (1, x > 0)):
            values = indices[np.array(lobules) + side * N_SIDE]
            source.append(apply_affine(image.affine, np.argwhere(np.isin(data, values)).mean(0)))
            place = np.argwhere((template.groups[group] > 0.5) & half).mean(0)
            target.append(apply_affine(grid.affine, place))
    design = np.c_[np.array(target), np.ones(len(target))]
    solution, *_ = np.linalg.lstsq(design, np.array(source), rcond=None)
    return np.vstack([solution.T, [0, 0, 0, 1]])


def smooth(volume: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing, sigma in voxels."""
    return ndimage.gaussian_filter(volume.astype(np.float32), sigma)


def filled(groups: np.ndarray, white: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close the fissures that CoBrALab raters carved out, so that compartments meet as in the template."""
    groups, white = np.stack([smooth(g, 1) for g in groups]), smooth(white, 1)
    total = groups.sum(0) + white
    gain = np.where(total > 0.35, 1 / np.maximum(total, 0.2), 1)
    return groups * gain, white * gain


def cobralab_in_template(kit: Path, brain: int, template: Template, grid: Grid = CEREBELLUM_1MM) -> np.ndarray:
    """Bring one CoBrALab brain onto the template's lobule groups: affine from centroids, then deformable.

    Returns
    -------
    ndarray, (26, X, Y, Z), float32
        Soft labels on the grid.
    """
    image = clean_cobralab(nib.load(cobralab_dseg(kit, brain)))
    world_map = centroid_affine(image, template, grid)
    labels = np.stack([soft(image, (i,), grid, world_map) for i in load_scheme("Lobules").indices])
    both = labels[:N_SIDE] + labels[N_SIDE:]
    groups, white = filled(np.stack([both[list(g)].sum(0) for g in LOBULES_OF_GROUP]), both[12])
    # CoBrALab's central white matter is a third of the template's: only the outline of the whole is matched.
    moving = np.concatenate([groups, np.clip(groups.sum(0) + white, 0, 1)[None]])
    aim = np.stack([smooth(g, 1) for g in template.groups])
    fixed = np.concatenate([aim, np.clip(aim.sum(0) + smooth(template.white, 1), 0, 1)[None]])
    pair = Pair(torch.from_numpy(fixed)[None], torch.from_numpy(moving.astype(np.float32))[None])
    displacement = register(pair, stiffness=0.2, pyramid=LABEL_PYRAMID)
    return warp(torch.from_numpy(labels)[None], displacement)[0].numpy()


def vote(brains: list[np.ndarray], template: Template) -> np.ndarray:
    """Average the CoBrALab brains, Diedrichsen's groups and all their mirror images, half and half.

    Groups I-IV are split as the CoBrALab brains split them. A wide, weak tail leaves no voxel without an answer.

    Returns
    -------
    ndarray, (26, X, Y, Z), float32
        Not normalised; the white matter channels are empty (tissue comes from elsewhere).
    """
    cobralab = sum(brain + mirror(brain) for brain in brains) / (2 * len(brains))
    groups = (template.groups + template.groups[:, ::-1]) / 2
    shape = groups.shape[1:]
    left = np.zeros(shape, np.float32)
    left[: shape[0] // 2] = 1
    diedrichsen = np.zeros_like(cobralab)
    for side, half in ((0, left), (N_SIDE, 1 - left)):
        for group, lobules in enumerate(LOBULES_OF_GROUP):
            share = np.stack([smooth(cobralab[lobule + side], 1.5) for lobule in lobules]) + 1e-6
            share /= share.sum(0)
            for part, lobule in zip(share, lobules, strict=True):
                diedrichsen[lobule + side] = groups[group] * half * part
    atlas = (cobralab + diedrichsen) / 2
    atlas[[12, 25]] = 0
    tails = [smooth(a, 2) * 2e-2 + smooth(a, 6) * 1e-4 for a in atlas]
    return (atlas + np.stack(tails)).astype(np.float32)
