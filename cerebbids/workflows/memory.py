"""How much memory a step takes."""

from __future__ import annotations


def gigabytes(base: float, per_voxel: float, voxels: int) -> float:
    """Memory (GB) of a step, for the scheduler.

    Parameters
    ----------
    base : float
        GB that it takes for an image of any size.
    per_voxel : float
        Bytes that it takes for every voxel.
    voxels : int
        Size of the image.

    Examples
    --------
    >>> gigabytes(0.5, 10, 50_000_000)
    1.0
    """
    return base + per_voxel * voxels / 1e9
