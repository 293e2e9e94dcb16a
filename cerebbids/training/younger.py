"""Images of younger infants, made from labelled ones of 24 months: less contrast between tissues, smaller, noisier.

No scan of a younger infant is behind them. What they keep is the anatomy of a real person and the texture of a real
scan; what is changed is told by :class:`Look`, and the truth is known. The sizes follow the growth that Sun et al. 2020
quote (the cerebellum grows by 240 % from 2 weeks to 1 year, and by 15 % from 1 to 2 years); how far the contrast falls
is a choice, between that of 24 months and nearly none at 6 months.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage

from cerebbids.imaging.growth import size_at
from cerebbids.inference.inputs import standardise_inside
from cerebbids.training.augmentation import spatial
from cerebbids.training.infants import TISSUES, Infant

SOFTNESS = 0.6
"""Width of the transition from one tissue to another in a scan, SD of a Gaussian in voxels."""
_LABELS = range(1, 1 + len(TISSUES))
"""Fluid, grey and white matter."""


@dataclass(frozen=True)
class Look:
    """How scans at an age look, beside those at 24 months.

    Parameters
    ----------
    white, fluid : float
        Contrast of white matter and of fluid with grey matter, in parts of that at 24 months.
    blur : float
        Partial volume, SD of a Gaussian in voxels.
    noise : float
        SD, in parts of the contrast of white with grey matter at 24 months.
    """

    white: float
    fluid: float
    blur: float
    noise: float


LOOKS = {18: Look(0.75, 0.95, 0.3, 0.1), 12: Look(0.55, 0.9, 0.4, 0.15), 6: Look(0.25, 0.8, 0.5, 0.2)}
"""Age in months -> look."""


def shares_of(labels: np.ndarray) -> np.ndarray:
    """Soft share of each tissue in every voxel, (3, X, Y, Z) float32; together 1 inside, 0 outside."""
    soft = np.stack([ndimage.gaussian_filter((labels == k).astype(np.float32), SOFTNESS) for k in _LABELS])
    return np.where(labels > 0, soft / np.maximum(soft.sum(0), 1e-6), 0)


def fade(image: np.ndarray, labels: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Take contrast out of an image, and put blur and noise in.

    The image is what its tissues explain and a rest; tissues are moved towards grey matter, and the rest shrinks with
    the contrast of white matter, because where tissues mix in a voxel it tells of them, too.

    Parameters
    ----------
    image : ndarray, (X, Y, Z), float32
    labels : ndarray, (X, Y, Z), uint8
    look : Look
    rng : Generator

    Returns
    -------
    ndarray, (X, Y, Z), float32
        Standardised inside the labels, 0 outside.
    """
    shares = shares_of(labels)
    csf, grey, white = (float(image[labels == k].mean()) for k in _LABELS)
    before = np.float32([csf, grey, white])
    after = grey + np.float32([look.fluid, 0, look.white]) * (before - grey)
    explained, moved = (np.tensordot(means, shares, 1) for means in (before, after))
    rest = (image - explained) * (shares[0] * look.fluid + (1 - shares[0]) * look.white)
    faded = ndimage.gaussian_filter(moved + rest, look.blur)
    faded += rng.normal(0, look.noise * (white - grey), faded.shape).astype(np.float32)
    return standardise_inside(faded, labels > 0)


def any_look(months: int, rng: np.random.Generator) -> Look:
    """A look near that of an age: nobody knows what a scanner makes of it."""
    look = LOOKS[months]
    return Look(
        white=look.white * rng.uniform(0.7, 1.3),
        fluid=look.fluid * rng.uniform(0.8, 1.2),
        blur=look.blur * rng.uniform(0.5, 1.3),
        noise=look.noise * rng.uniform(0.3, 1.3),
    )


def younger(infant: Infant, months: int, copy: int, look: Look | None = None) -> Infant:
    """An infant of an age with the anatomy of an older one, smaller and deformed: another for each ``copy``.

    Parameters
    ----------
    infant : Infant
        Labelled, 24 months, one channel.
    months : int
        Key of ``LOOKS``.
    copy : int
        Which deformation and noise.
    look : Look, optional
        That of the age, where it is not given.
    """
    rng = np.random.default_rng((months, copy, *infant.id.encode()))
    image, labels = spatial(
        torch.from_numpy(infant.images.copy()),
        torch.from_numpy(infant.labels[None].astype(np.float32)),
        int(rng.integers(2**31)),
    )
    size = size_at(months) * np.count_nonzero(infant.labels) / np.count_nonzero(labels)
    shrunk, bent = (_zoomed(np.asarray(part[0]), size ** (1 / 3), order) for part, order in ((image, 1), (labels, 0)))
    bent = bent.round().astype(np.uint8)
    faded = fade(np.where(bent > 0, shrunk, 0).astype(np.float32), bent, look or LOOKS[months], rng)
    return replace(infant, id=f"{infant.id}-{months}m-{copy}", images=faded[None], labels=bent)


def _zoomed(volume: np.ndarray, scale: float, order: int) -> np.ndarray:
    return ndimage.zoom(volume, scale, order=order, grid_mode=True, mode="grid-constant")
