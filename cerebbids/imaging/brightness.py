"""A plain scale of brightness: nothing below 0, the bright end at 1000."""

from __future__ import annotations

import numpy as np

BRIGHT_END = 1000.0
"""What the 99.5th percentile of the foreground becomes, so that no later step meets a strange scale."""

DARK_END = 0.1
"""Percentile that is taken for the lowest value: wild voxels are fewer, padding is more."""

WILD = 1000.0
"""How many times as bright as the bright end nothing of a head is."""

LARGEST = 1e37
"""Float32 holds more, but not the difference of two such numbers."""

SMALLEST = 1e-30
"""Below this, float32 does not hold what a bright end has to be multiplied by."""


def lift_negatives(data: np.ndarray) -> None:
    """Leave nothing below 0, in place.

    A lowest value that many voxels share is padding and becomes 0, the background of a centred image too. An image
    that was centred on its mean is then lifted by the lowest of what is not 0; neither padding nor a wild voxel
    sets the scale. What is still negative (ringing of an interpolation) becomes 0. Nothing overflows.

    Parameters
    ----------
    data : ndarray, float32
        Finite.

    Examples
    --------
    >>> row = np.array([-32768.0] * 2 + [-0.1, 0.0, 7.0], np.float32)
    >>> lift_negatives(row)
    >>> row
    array([0., 0., 0., 0., 7.], dtype=float32)
    """
    np.clip(data, -LARGEST, LARGEST, out=data)
    lowest = np.percentile(data, DARK_END, method="lower")
    if lowest < 0 and np.count_nonzero(data == lowest) > max(1, DARK_END / 100 * data.size):
        data[data <= lowest] = 0
    low, high = np.percentile(data, (1, 99))
    if low < -0.05 * abs(high):
        signal = data != 0
        data[signal] -= np.percentile(data[signal], DARK_END)
    np.maximum(data, 0, out=data)


def scale_bright_end(data: np.ndarray) -> None:
    """Bring the 99.5th percentile of what is above 0 to 1000, in place; wild voxels are cut at a million.

    Parameters
    ----------
    data : ndarray, float32
        Not negative, and not 0 everywhere.

    Examples
    --------
    >>> row = np.array([0.0] + [2.0] * 999 + [1e38], np.float32)
    >>> scale_bright_end(row)
    >>> row[[0, 1, -1]].tolist()
    [0.0, 1000.0, 1000000.0]
    """
    bright = float(np.percentile(data[data > 0], 99.5))
    np.minimum(data, min(WILD * bright, LARGEST), out=data)
    exact = np.float32 if bright > SMALLEST else np.float64
    np.multiply(data, exact(BRIGHT_END / bright), out=data, dtype=exact, casting="same_kind")
