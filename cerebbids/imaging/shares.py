"""Which of several values has the most of a voxel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def largest_share(shares: Iterable[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Value that has the largest share of every voxel, the first of equal ones; and that share.

    Parameters
    ----------
    shares : iterable of (int, ndarray (X, Y, Z))
        Each value and what it has of the voxels. At least one; read one by one, so that they need not all be there.

    Returns
    -------
    values : ndarray, (X, Y, Z), uint8
    most : ndarray, (X, Y, Z)

    Examples
    --------
    >>> values, most = largest_share([(0, np.array([0.5, 0.2])), (3, np.array([0.5, 0.8]))])
    >>> values.tolist(), most.tolist()
    ([0, 3], [0.5, 0.8])
    """
    values = most = None
    for value, share in shares:
        if most is None:
            values, most = np.full(share.shape, value, np.uint8), np.array(share)
        else:
            values[share > most] = value
            np.maximum(most, share, out=most)
    if values is None or most is None:
        raise ValueError("no share")
    return values, most
