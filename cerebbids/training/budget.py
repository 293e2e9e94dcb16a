"""A budget of labelled slices: which slices of an image somebody has labelled, and which not (Richter & Fetit 2022).

Slices are chosen on the whole image, before anything is done to it. What is not labelled is ``UNLABELLED`` in the
labels, and goes through every transform with them.
"""

from __future__ import annotations

import numpy as np

from cerebbids.training.supervision import UNLABELLED

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Of arrays whose axes run to the right, front and top."""
RANDOM = "random"
"""An axis of its own for every image."""
OUTERMOST = 0.1
"""Share of the brain at either end of an axis where no slice is labelled: little is to be seen there."""


def labelled_slices(labels: np.ndarray, axis: str, share: float, rng: np.random.Generator) -> np.ndarray:
    """Keep the labels of some slices; all others become ``UNLABELLED``.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z), uint8
    axis : str
        Key of ``AXES``, or ``random``.
    share : float
        Of the slices between the first and the last with a label, along the axis: at least one slice, and at most those
        between the outermost tenths.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, (X, Y, Z), uint8

    Raises
    ------
    ValueError
        Nothing is labelled.

    Examples
    --------
    >>> found = labelled_slices(np.ones((30, 4, 4), np.uint8), "sagittal", 1 / 3, np.random.default_rng(0))
    >>> known = found[:, 0, 0] != UNLABELLED
    >>> int(known.sum()), bool(known[:3].any()), bool(known[-3:].any())
    (10, False, False)
    """
    along = int(rng.integers(3)) if axis == RANDOM else AXES[axis]
    present = np.flatnonzero(labels.any(tuple(other for other in range(3) if other != along)))
    if not len(present):
        raise ValueError("there is no label to choose slices by")
    first, last = int(present[0]), int(present[-1]) + 1
    edge = min(int(np.ceil(OUTERMOST * (last - first))), (last - first - 1) // 2)
    inner = np.arange(first + edge, last - edge)
    count = max(1, round(share * (last - first)))
    chosen = rng.choice(inner, min(len(inner), count), replace=False)
    known = np.zeros(labels.shape[along], bool)
    known[chosen] = True
    return np.where(np.expand_dims(known, [other for other in range(3) if other != along]), labels, UNLABELLED)
