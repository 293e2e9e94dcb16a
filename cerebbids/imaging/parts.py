"""Which part of the brain labelled voxels belong to, where parts are known roughly."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def nearest_of(parts: np.ndarray, labelled: np.ndarray, first: int, second: int) -> np.ndarray:
    """Which of two parts each labelled voxel belongs to: the one whose own voxels are nearest.

    Parameters
    ----------
    parts : ndarray of uint8, (X, Y, Z)
        Where the two parts are, roughly.
    labelled : ndarray of bool, (X, Y, Z)
    first, second : int
        Values of the parts.

    Returns
    -------
    ndarray of uint8, (X, Y, Z)
        ``first``, ``second``, or 0 where nothing is labelled; all are ``first`` where the second is nowhere.

    Examples
    --------
    >>> nearest_of(np.array([2, 0, 0, 0, 3]), np.array([True, True, False, True, True]), 2, 3)
    array([2, 2, 0, 3, 3], dtype=uint8)
    """
    if not (parts == second).any():
        return np.where(labelled, first, 0).astype(np.uint8)
    apart = [ndimage.distance_transform_edt(parts != part) for part in (first, second)]
    return np.where(labelled, np.where(apart[0] <= apart[1], first, second), 0).astype(np.uint8)
