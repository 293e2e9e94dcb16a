"""What a T1w volume would have to be for its brightness alone to say the T2w one, the whole crop at once."""

from __future__ import annotations

import torch
from torch import nn

from cerebbids.nets.strides import compose, decompose
from cerebbids.nets.superres import ResidualBlock


class ContrastNet(nn.Module):
    """Residual blocks on the strided volumes, which take the whole crop in little memory (after Manjon et al. 2021).

    An untrained network answers with what it is shown. Nothing is normalised on the way, so that brightness keeps its
    meaning.

    Parameters
    ----------
    width : int
        Feature channels, at half the volume's resolution.
    blocks : int
        Residual blocks.

    Examples
    --------
    >>> volume = torch.rand(1, 1, 8, 8, 12)
    >>> torch.equal(ContrastNet(8, 2)(volume), volume)
    True
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv3d(8, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.head = nn.Conv3d(width, 8, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, X, Y, Z) -> the same shape; sides are even."""
        features = self.stem(decompose(x))
        return x + compose(self.head(features + self.body(features)))
