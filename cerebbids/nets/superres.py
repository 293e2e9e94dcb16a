"""Super-resolution by two: what linear interpolation lacks, from a stack of residual blocks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cerebbids.nets.strides import compose


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions beside the identity, without normalisation (EDSR, Lim et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, channels, 3, padding=1)
        self.second = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, X, Y, Z) -> the same shape."""
        return x + self.second(F.relu(self.first(x), inplace=True))


class SuperResolution(nn.Module):
    """Residual network with a global skip and sub-pixel upsampling (Shi et al. 2016), factor two.

    Coarse voxel i covers the fine voxels 2i and 2i + 1 along every axis: both grids have the same field of view.
    All work is done on the coarse grid. An untrained network interpolates linearly.

    Parameters
    ----------
    width : int
        Feature channels.
    blocks : int
        Residual blocks.

    Examples
    --------
    >>> net = SuperResolution(8, 2)
    >>> coarse = torch.rand(1, 1, 4, 4, 6)
    >>> torch.equal(net(coarse), F.interpolate(coarse, scale_factor=2, mode="trilinear", align_corners=False))
    True
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv3d(1, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.head = nn.Conv3d(width, 8, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, X, Y, Z) -> (N, 1, 2X, 2Y, 2Z)."""
        plain = F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
        features = self.stem(x)
        return plain + compose(self.head(features + self.body(features)))
