"""What a scanner with voxels twice as large would have seen."""

from __future__ import annotations

import torch
import torch.nn.functional as F

REACH = 4
"""Fine voxels on either side that a coarse voxel takes something from."""


def degrade(fine: torch.Tensor, fwhm: float = 1.0) -> torch.Tensor:
    """Blur with the point spread of the coarse voxel and sample at its centre, factor two.

    Coarse voxel i covers the fine voxels 2i and 2i + 1: its centre lies between the two.

    Parameters
    ----------
    fine : Tensor, (N, C, 2X, 2Y, 2Z)
    fwhm : float
        Full width at half maximum of the Gaussian point spread, in coarse voxels.

    Returns
    -------
    Tensor, (N, C, X, Y, Z)

    Examples
    --------
    A ramp stays a ramp, without a shift (borders are repeated, so its ends are flatter):

    >>> ramp = torch.arange(24.0).reshape(1, 1, 24, 1, 1).expand(1, 1, 24, 8, 8)
    >>> degrade(ramp)[0, 0, 3:8, 2, 2]
    tensor([ 6.5000,  8.5000, 10.5000, 12.5000, 14.5000])
    """
    places = torch.arange(2 * REACH) - (REACH - 0.5)
    sigma = 2 * fwhm / 2.3548
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(fine)
    n, channels, *sides = fine.shape
    volume = F.pad(fine.reshape(n * channels, 1, *sides), (REACH - 1,) * 6, mode="replicate")
    for axis in range(3):
        shape, stride = [1] * 5, [1] * 3
        shape[2 + axis], stride[axis] = 2 * REACH, 2
        volume = F.conv3d(volume, kernel.reshape(shape), stride=stride)
    return volume.reshape(n, channels, *(side // 2 for side in sides))
