"""The densely connected U-Net for tissues of infants, and the same body as a network that judges its answers.

Wang et al. 2018 (ADU-Net) as Sun et al. 2020 trained it for the infant cerebellum. Widths, growth and the order of
layers are those of the released network's description; its number of weights is reproduced (16,400,916 for one channel
and four classes, convolutions alone).
"""

from __future__ import annotations

import torch
from torch import nn

LAYERS = 3
"""Convolutions of a dense block, each of which sees all before it."""


def _convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    """3x3x3 convolution, batch normalisation, ReLU; keeps the grid."""
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, 3, padding=1), nn.BatchNorm3d(channels_out), nn.ReLU(inplace=True)
    )


def _rise(channels_in: int, channels_out: int) -> nn.Sequential:
    """Transposed convolution that doubles the resolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.ConvTranspose3d(channels_in, channels_out, 4, stride=2, padding=1),
        nn.BatchNorm3d(channels_out),
        nn.ReLU(inplace=True),
    )


class DenseBlock(nn.Module):
    """A convolution, then three of which each adds ``growth`` channels to all that it has seen.

    Parameters
    ----------
    channels_in, width, growth : int
        It answers with ``width + 3 * growth`` channels.
    dropout : float
        Rate, of the channels that each adds.
    """

    def __init__(self, channels_in: int, width: int, growth: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Conv3d(channels_in, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm3d(width + place * growth),
                nn.ReLU(),
                nn.Conv3d(width + place * growth, growth, 3, padding=1),
                nn.Dropout(dropout),
            )
            for place in range(LAYERS)
        )
        self.channels_out = width + LAYERS * growth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> (N, channels_out, D, H, W)."""
        x = self.enter(x)
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        return x


class ADUNet(nn.Module):
    """U-Net of seven dense blocks on three resolutions.

    Parameters
    ----------
    channels_in : int
        T1w, T2w ..., or an answer that is to be judged.
    classes : int
        Output channels, background first.
    width : int
        Channels at full resolution, a multiple of 4; 64 in the text. All others are multiples of it.
    dropout : float
        Rate in the dense blocks.

    Examples
    --------
    >>> ADUNet(2, 4, width=8)(torch.zeros(1, 2, 32, 32, 32)).shape
    torch.Size([1, 4, 32, 32, 32])
    """

    def __init__(self, channels_in: int, classes: int, width: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        thin, thick, double = width // 4, width // 2, 2 * width

        def dense(channels: int, width: int, growth: int) -> DenseBlock:
            return DenseBlock(channels, width, growth, dropout)

        first, second = dense(width, width, thin), dense(width, width, thick)
        self.down = nn.ModuleList(
            (
                nn.Sequential(_convolution(channels_in, width), first, _convolution(first.channels_out, width)),
                nn.Sequential(second, _convolution(second.channels_out, double)),
                _convolution(double, double),
            )
        )
        self.pool = nn.MaxPool3d(3, stride=2, ceil_mode=True)
        third = dense(2 * double, 2 * double, thick)
        fourth = dense(2 * double, 2 * double, thick)
        fifth = dense(fourth.channels_out, 2 * double, thick)
        sixth = dense(double, double, thin)
        seventh = dense(sixth.channels_out, width, thin)
        self.rises = nn.ModuleList(
            (_rise(double, double), _rise(third.channels_out, double), _rise(fifth.channels_out, width))
        )
        self.up = nn.ModuleList((third, nn.Sequential(fourth, fifth), nn.Sequential(sixth, seventh)))
        self.head = nn.Sequential(nn.Conv3d(seventh.channels_out, classes, 3, padding=1), nn.BatchNorm3d(classes))
        for module in self.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W), sides multiples of 8 -> logits (N, classes, D, H, W)."""
        skips = []
        for level in self.down:
            x = level(x)
            skips.append(x)
            x = self.pool(x)
        for rise, level, skip in zip(self.rises, self.up, reversed(skips), strict=True):
            x = level(torch.cat((rise(x), skip), 1))
        return self.head(x)
