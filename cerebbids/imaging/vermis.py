"""Lobules of the hemispheres, and the vermis in three groups, as tools that tell the vermis apart name them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

VERMIS_GROUPS: dict[int, tuple[int, ...]] = {71: (1, 2, 3, 4), 72: (5, 6, 7, 8), 73: (9, 10, 11, 12)}
"""Label of each part of the vermis (I-V, VI-VII, VIII-X) -> left labels of the lobules that it belongs to."""
RIGHT = 100
"""How much larger a label is on the right than on the left."""


def with_vermis(labels: np.ndarray, vermis: np.ndarray) -> np.ndarray:
    """Tell the vermis from the hemispheres.

    Parameters
    ----------
    labels : ndarray of int
        Labels of ``seg-Lobules``.
    vermis : ndarray of bool
        Where there is vermis, if there is a lobule. White matter is never called so.

    Returns
    -------
    ndarray, uint8
        Labels of ``seg-LobulesVermis``.

    Examples
    --------
    >>> labels = np.array([0, 3, 104, 106, 13, 112])
    >>> with_vermis(labels, np.array([True, True, True, False, True, True])).tolist()
    [0, 71, 71, 106, 13, 73]
    """
    table = np.arange(256, dtype=np.uint8)
    for group, lobules in VERMIS_GROUPS.items():
        for lobule in lobules:
            table[[lobule, lobule + RIGHT]] = group
    return np.where(vermis, table[labels], labels).astype(np.uint8)


def vermis_again(labels: np.ndarray, older: np.ndarray, zooms: np.ndarray) -> np.ndarray:
    """Tell the vermis from the hemispheres in corrected labels, after an older map that tells it.

    A voxel is vermis where the nearest one that the older map labels is.

    Parameters
    ----------
    labels : ndarray of int, (X, Y, Z)
        Labels of ``seg-Lobules``.
    older : ndarray of int, (X, Y, Z)
        Labels of ``seg-LobulesVermis``, not all 0.
    zooms : ndarray, (3,)
        Size of a voxel, mm.

    Returns
    -------
    ndarray, (X, Y, Z), uint8
        Labels of ``seg-LobulesVermis``.

    Examples
    --------
    >>> labels, older = (np.array(row).reshape(-1, 1, 1) for row in ([0, 5, 5, 5, 6], [72, 72, 0, 0, 6]))
    >>> vermis_again(labels, older, np.ones(3)).ravel().tolist()
    [0, 72, 72, 5, 6]
    """
    found = np.zeros(labels.shape, np.uint8)
    box = ndimage.find_objects(((labels > 0) | (older > 0)).astype(np.uint8))[0]
    nearest = ndimage.distance_transform_edt(older[box] == 0, zooms, return_distances=False, return_indices=True)
    vermis = np.isin(older[box], tuple(VERMIS_GROUPS))[tuple(nearest)]
    found[box] = with_vermis(labels[box], vermis)
    return found
