"""Stride decomposition: a volume as eight coarser ones, and back (Morell-Ortega et al. 2025, section 2.1)."""

from __future__ import annotations

import torch

OFFSETS = tuple((a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1))
"""Offsets of the eight volumes in voxels along the three axes, in the order of the channels."""


def decompose(volume: torch.Tensor) -> torch.Tensor:
    """Take every second voxel along each axis, from each of the eight offsets.

    Voxel (i, j, k) of volume (a, b, c) is voxel (2i + a, 2j + b, 2k + c), so that its centre lies (a, b, c) fine voxels
    beside that of volume (0, 0, 0).

    Parameters
    ----------
    volume : Tensor, (N, C, 2X, 2Y, 2Z)

    Returns
    -------
    Tensor, (N, 8 C, X, Y, Z)
        The eight of the first channel, then those of the next, in the order of ``OFFSETS``.

    Examples
    --------
    >>> decompose(torch.arange(8.0).reshape(1, 1, 2, 2, 2)).flatten()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    n, channels, *sides = volume.shape
    if any(side % 2 for side in sides):
        raise ValueError(f"sides have to be even, not {tuple(sides)}")
    x, y, z = (side // 2 for side in sides)
    parted = volume.reshape(n, channels, x, 2, y, 2, z, 2)
    return parted.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(n, 8 * channels, x, y, z)


def compose(volumes: torch.Tensor) -> torch.Tensor:
    """Interleave what :func:`decompose` has taken apart.

    Parameters
    ----------
    volumes : Tensor, (N, 8 C, X, Y, Z)

    Returns
    -------
    Tensor, (N, C, 2X, 2Y, 2Z)

    Examples
    --------
    >>> volume = torch.rand(2, 3, 4, 6, 8)
    >>> torch.equal(compose(decompose(volume)), volume)
    True
    """
    n, channels, x, y, z = volumes.shape
    parted = volumes.reshape(n, channels // 8, 2, 2, 2, x, y, z)
    return parted.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, channels // 8, 2 * x, 2 * y, 2 * z)
