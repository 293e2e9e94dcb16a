"""A fully convolutional network with an encoder for each modality, which meet where the decoder begins.

The network of Zeng & Zheng 2018 for isointense infants (multi-stream 3D FCN with long and short skip connections and
multi-scale deep supervision). The text names its parts, not how they are joined; here

- a block is two convolutions, of which the second is added to the first (short skip);
- the deepest features of all streams are stacked, and a convolution brings them to the width of one: so decoder and
  heads have the same weights whatever the number of streams, and can be taken over from a network of T1w alone;
- features at finer resolutions are averaged over the streams and stacked on what comes from below (long skip).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

SCALES = 3
"""Resolutions with a head: full, half and quarter."""


def _convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    """3x3x3 convolution, batch normalisation, ReLU; keeps the grid."""
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm3d(channels_out), nn.ReLU()
    )


class ShortSkip(nn.Module):
    """Two convolutions; the answer of the first is added to that of the second."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels_out)
        self.second = _convolution(channels_out, channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> (N, channels_out, D, H, W)."""
        x = self.first(x)
        return x + self.second(x)


class Stream(nn.Module):
    """Encoder of one modality."""

    def __init__(self, channels_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        inputs = (channels_in, *widths[:-1])
        self.levels = nn.ModuleList(ShortSkip(*sizes) for sizes in zip(inputs, widths, strict=True))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(N, channels_in, D, H, W) -> features at full, half, quarter ... resolution."""
        found = []
        for depth, level in enumerate(self.levels):
            x = level(F.max_pool3d(x, 2) if depth else x)
            found.append(x)
        return found


class MultiStream(nn.Module):
    """Label a patch from several modalities.

    Parameters
    ----------
    streams : tuple of int
        Input channels of each stream: of T1w and T2w (1, 1), and of distances to the tissues (1, 1, 3).
    classes : int
        Output channels, background first.
    widths : tuple of int
        Feature channels of every stream, and on the way up, at full, half, quarter ... resolution: three or more.

    Examples
    --------
    >>> net = MultiStream((1, 1), 4, (4, 8, 8))
    >>> x = torch.zeros(1, 2, 8, 8, 8)
    >>> net.eval()(x).shape, [tuple(answer.shape[2:]) for answer in net.train()(x)]
    (torch.Size([1, 4, 8, 8, 8]), [(8, 8, 8), (4, 4, 4), (2, 2, 2)])
    """

    def __init__(self, streams: Sequence[int], classes: int, widths: Sequence[int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        if len(widths) < SCALES:
            raise ValueError(f"{SCALES} resolutions have a head: {len(widths)} widths are too few")
        self.channels = tuple(streams)
        self.streams = nn.ModuleList(Stream(channels, widths) for channels in streams)
        self.fusion = _convolution(len(self.channels) * widths[-1], widths[-1])
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.rises = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose3d(deep, fine, 2, stride=2, bias=False), nn.BatchNorm3d(fine), nn.ReLU())
            for deep, fine in upward
        )
        self.decoder = nn.ModuleList(ShortSkip(2 * fine, fine) for _, fine in upward)
        self.heads = nn.ModuleList(nn.Conv3d(width, classes, 3, padding=1) for width in widths[:SCALES])

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """(N, channels, D, H, W) -> logits (N, classes, D, H, W); in training those at all three resolutions.

        Channels of all streams follow each other; sides are multiples of ``2 ** (len(widths) - 1)``.
        """
        found = [stream(part) for stream, part in zip(self.streams, x.split(self.channels, 1), strict=True)]
        skips = [torch.stack(level).mean(0) for level in zip(*(levels[:-1] for levels in found), strict=True)]
        x = self.fusion(torch.cat([levels[-1] for levels in found], 1))
        levels = [x]
        for rise, block, skip in zip(self.rises, self.decoder, reversed(skips), strict=True):
            x = block(torch.cat((rise(x), skip), 1))
            levels.append(x)
        if not self.training:
            return self.heads[0](x)
        return tuple(tell(level) for tell, level in zip(self.heads, reversed(levels), strict=False))
