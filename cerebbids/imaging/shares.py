"""Shares that several values have of a voxel."""

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


def with_background(classes: np.ndarray) -> np.ndarray:
    """Probabilities of all classes, that of the background first: what is left of the others' shares.

    Parameters
    ----------
    classes : ndarray, (classes, X, Y, Z)
        Shares as they were sampled: 0 and more, and more than 1 together, or below 0, by what sampling does.

    Returns
    -------
    ndarray, (1 + classes, X, Y, Z), float32
        They add up to 1.

    Examples
    --------
    >>> with_background(np.array([[0.25, 1.0], [0.25, -0.5]])).tolist()
    [[0.5, 0.0], [0.25, 1.0], [0.25, 0.0]]
    """
    classes = classes.clip(0, 1)
    every = np.concatenate(((1 - classes.sum(0, keepdims=True)).clip(0), classes))
    return (every / every.sum(0, keepdims=True)).astype(np.float32)
