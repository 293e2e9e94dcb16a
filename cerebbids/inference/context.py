"""What a first answer about a whole brain tells a second network: how far every voxel is from each tissue.

And what is done to an answer in the end: isolated bits and holes are given to what lies around them (Zeng & Zheng 2018,
sections 3 and 4.1). That distances have a sign, that they end at 10 mm, and how large a bit may be, the text does not
tell: so they are here.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

REACH_MM = 10.0
"""Distances beyond it count as it."""
BIT_MM3 = 5.0
"""Pieces of a class that are smaller are isolated bits; voxels that share a corner are of one piece: fluid is thin."""


def distance_maps(labels: np.ndarray, classes: int, spacing: tuple[float, float, float]) -> np.ndarray:
    """Signed distance to the surface of every tissue: below 0 within it, in parts of ``REACH_MM``.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z)
    classes : int
        Background and tissues.
    spacing : tuple of float
        Edges of a voxel, mm.

    Returns
    -------
    ndarray, (classes - 1, X, Y, Z), float32
        Between -1 and 1; 1 everywhere of a tissue that is not there.

    Examples
    --------
    >>> labels = np.zeros((5, 1, 1), int)
    >>> labels[1:3] = 1
    >>> (REACH_MM * distance_maps(labels, 2, (2.0, 2.0, 2.0))[0, :, 0, 0]).tolist()
    [1.0, -1.0, -1.0, 1.0, 3.0]
    """
    return np.stack([_signed(labels == value, spacing) for value in range(1, classes)])


def _signed(tissue: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """0 midway between the last voxel of a tissue and the first beyond it, where voxels are isotropic."""
    if not tissue.any():
        return np.ones(tissue.shape, np.float32)
    outside, inside = (ndimage.distance_transform_edt(part, spacing) for part in (~tissue, tissue))
    half = 0.5 * min(spacing)
    distance = np.where(tissue, half - inside, outside - half)
    return (distance / REACH_MM).clip(-1, 1).astype(np.float32)


def without_bits(labels: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Give isolated bits of any class, background within tissues too, to what lies nearest.

    The largest piece of a class is no bit, however small it is.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z), uint8
    spacing : tuple of float
        Edges of a voxel, mm.

    Returns
    -------
    ndarray, (X, Y, Z), uint8

    Examples
    --------
    >>> labels = np.full((12, 12, 12), 2, np.uint8)
    >>> labels[5, 5, 5], labels[:3] = 3, 3
    >>> bool((without_bits(labels, (1.0, 1.0, 1.0))[3:] == 2).all())
    True
    """
    least = BIT_MM3 / float(np.prod(spacing))
    bits = np.zeros(labels.shape, bool)
    for value in np.unique(labels):
        pieces, _ = ndimage.label(labels == value, np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel())[1:]
        isolated = (sizes < least) & (np.arange(len(sizes)) != sizes.argmax())
        bits |= np.concatenate(([False], isolated))[pieces]
    if not bits.any():
        return labels.copy()
    nearest = ndimage.distance_transform_edt(bits, spacing, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]
