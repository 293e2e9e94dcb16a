"""Generated cerebella for a library that can be given away: nobody's shape, and painted, not scanned.

A labelled person's tissues are told apart voxel by voxel, deformed at random together with the labels, and painted anew
at one brightness each. Of the scan nothing is left but which tissue was where, on a shape that nobody has. Voxels of
0.5 mm may be halves of two tissues: with whole ones only, fissures close, and the library's atlases lose 0.02 of Dice.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.imaging.carving import N_SIDE, grey_brightness, mixture
from cerebbids.imaging.t2contrast import render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.nets.displacement import doubled, integrate, warp
from cerebbids.training.augmentation import Case

SMOOTH_MM = 10.0
"""Gaussian that a random velocity is smooth by."""
MEAN_MM = 3.0
"""Mean length of a random velocity."""
FAINT = 0.05
"""What is darker, in parts of white matter, is outside of the brain."""


def random_displacement(shape: tuple[int, ...], rng: np.random.Generator) -> torch.Tensor:
    """Smooth and invertible random displacement (1, 3, X, Y, Z), in voxels of 2 mm."""
    noise = rng.standard_normal((3, *shape)).astype(np.float32)
    field = ndimage.gaussian_filter(noise, (0, *3 * (SMOOTH_MM / 2,)))
    field *= MEAN_MM / 2 / np.linalg.norm(field, axis=0).mean()
    return integrate(torch.from_numpy(field)[None])


def tissue_shares(case: Case) -> torch.Tensor:
    """Fluid, grey and white matter of a person at 0.5 mm, in halves: (1, 3, 2X, 2Y, 2Z); nothing outside the brain."""
    t1w = torch.from_numpy(case.t1w)[None, None] * TARGETS[2]
    fine = F.interpolate(t1w, scale_factor=2, mode="trilinear")[0, 0].numpy()
    lobules = case.t1w[(case.labels > 0) & (case.labels % N_SIDE > 0)] * TARGETS[2]
    grey = grey_brightness(lobules, render_t2w(lobules, TARGETS))
    mixed = np.rint(2 * mixture(fine, render_t2w(fine, TARGETS), *grey)) / 2
    inside = fine > FAINT * TARGETS[2]
    shares = [(1 - mixed).clip(0), 1 - abs(mixed - 1), (mixed - 1).clip(0)]
    return torch.from_numpy(inside * np.stack(shares).astype(np.float32))[None]


def exemplar(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one generated cerebellum of a person's tissues.

    Parameters
    ----------
    case : Case
    rng : numpy.random.Generator

    Returns
    -------
    t1w, labels : ndarray, (X, Y, Z), uint8
        Tissues at 50, 150 and 250 and their mixtures; channels.
    """
    displacement = doubled(random_displacement(tuple(side // 2 for side in case.t1w.shape), rng))
    shares = F.avg_pool3d(warp(tissue_shares(case), doubled(displacement), "nearest"), 2)[0].numpy()
    painted = np.tensordot(np.array(TARGETS, np.float32), shares, 1)
    labels = torch.from_numpy(case.labels.astype(np.float32))[None, None]
    moved = warp(labels, displacement, "nearest")[0, 0].numpy()
    return np.rint(painted).astype(np.uint8), moved.astype(np.uint8)
