"""A 3D U-Net with group normalisation: the plain work-horse for label maps of one crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

NORM_GROUPS = 8
"""Groups of channels normalised together; works at batch size 1 and stays in channels-last memory."""


class ConvBlock(nn.Module):
    """Two 3x3x3 convolutions, each followed by group normalisation and leaky ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*self.step(channels_in, channels_out), *self.step(channels_out, channels_out))

    @staticmethod
    def step(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
        """One convolution, its normalisation and its activation."""
        return (
            nn.Conv3d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.GroupNorm(NORM_GROUPS, channels_out),
            nn.LeakyReLU(0.01, inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> (N, channels_out, D, H, W)."""
        return self.layers(x)


class UNet(nn.Module):
    """Encoder and decoder with skip connections (Ronneberger et al. 2015; 3D: Cicek et al. 2016).

    Parameters
    ----------
    channels_in : int
        Input channels (image, coordinates ...).
    classes : int
        Output channels, background first.
    widths : tuple of int
        Feature channels at full, half, quarter ... resolution; input sides divide by ``2 ** (len(widths) - 1)``.

    Examples
    --------
    >>> UNet(4, 27, (8, 16))(torch.zeros(1, 4, 8, 8, 8)).shape
    torch.Size([1, 27, 8, 8, 8])
    """

    def __init__(self, channels_in: int, classes: int, widths: tuple[int, ...] = (24, 48, 96, 160)) -> None:
        super().__init__()
        inputs = (channels_in, *widths[:-1])
        self.encoders = nn.ModuleList(ConvBlock(a, b) for a, b in zip(inputs, widths, strict=True))
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.reducers = nn.ModuleList(nn.Conv3d(deep, shallow, 1) for deep, shallow in upward)
        self.decoders = nn.ModuleList(ConvBlock(2 * shallow, shallow) for _, shallow in upward)
        self.head = nn.Conv3d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> logits (N, classes, D, H, W)."""
        skips = []
        for depth, encoder in enumerate(self.encoders):
            x = encoder(F.max_pool3d(x, 2) if depth else x)
            skips.append(x)
        for reducer, decoder, skip in zip(self.reducers, self.decoders, skips[-2::-1], strict=True):
            x = F.interpolate(reducer(x), scale_factor=2, mode="trilinear", align_corners=False)
            x = decoder(torch.cat([x, skip], 1))
        return self.head(x)
