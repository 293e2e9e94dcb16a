"""Another contrast of the same anatomy: a T2w volume from a T1w one, the whole crop at once."""

from __future__ import annotations

import torch
from torch import nn

from cerebbids.nets.strides import compose, decompose
from cerebbids.nets.unet import UNet


class ContrastNet(nn.Module):
    """U-Net on the eight strided volumes, which see the whole crop in little memory (Manjon et al. 2021).

    An untrained network answers 0.

    Parameters
    ----------
    widths : tuple of int
        Feature channels of the U-Net's levels, the first at half the volume's resolution.

    Examples
    --------
    >>> ContrastNet((8, 16))(torch.rand(1, 1, 8, 8, 12)).shape
    torch.Size([1, 1, 8, 8, 12])
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.unet = UNet(8, 8, widths)
        nn.init.zeros_(self.unet.head.weight)
        nn.init.zeros_(self.unet.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, X, Y, Z) -> (N, 1, X, Y, Z); every side divides by ``2 ** len(widths)``."""
        return compose(self.unet(decompose(x)))
