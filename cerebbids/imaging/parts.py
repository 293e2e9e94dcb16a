"""Which part of the brain labelled voxels belong to, where parts are known roughly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def nearest_of(parts: np.ndarray, labelled: np.ndarray, first: int, second: int, zooms: Sequence[float]) -> np.ndarray:
    """Which of two parts each labelled voxel belongs to: the one whose own voxels are nearest.

    Parameters
    ----------
    parts : ndarray of uint8, (X, Y, Z)
        Where the two parts are, roughly.
    labelled : ndarray of bool, (X, Y, Z)
    first, second : int
        Values of the parts.
    zooms : sequence of float
        Edges of a voxel, mm.

    Returns
    -------
    ndarray of uint8, (X, Y, Z)
        ``first``, ``second``, or 0 where nothing is labelled. Where one part is nowhere all are of the other, and
        ``first`` where both are.

    Examples
    --------
    >>> nearest_of(np.array([2, 0, 0, 0, 3]), np.array([True, True, False, True, True]), 2, 3, [1.0])
    array([2, 2, 0, 3, 3], dtype=uint8)
    """
    there = [part for part in (first, second) if (parts == part).any()]
    if len(there) < 2:
        return np.where(labelled, *there or [first], 0).astype(np.uint8)
    apart = [ndimage.distance_transform_edt(parts != part, sampling=zooms) for part in there]
    return np.where(labelled, np.where(apart[0] <= apart[1], first, second), 0).astype(np.uint8)
