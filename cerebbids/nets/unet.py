"""A 3D U-Net with instance normalisation: the plain work-horse for label maps of one crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cerebbids.nets.prior import prior_logits
from cerebbids.nets.renorm import BatchRenorm3d


class InstanceNorm(nn.Module):
    """Zero mean and unit variance of every channel of every example, then a learned scale and shift.

    The same as ``nn.InstanceNorm3d(channels, affine=True)``, but one example stays in channels-last memory, where a
    training step on a CPU takes two thirds of the time.

    Examples
    --------
    >>> x = torch.randn(1, 2, 4, 4, 4)
    >>> torch.allclose(InstanceNorm(2)(x), nn.InstanceNorm3d(2, affine=True)(x), atol=1e-5)
    True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, D, H, W) -> the same shape."""
        if len(x) == 1:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return F.instance_norm(x, weight=self.weight, bias=self.bias)


NORMS: dict[str, type[nn.Module]] = {"instance": InstanceNorm, "batch": BatchRenorm3d}
"""By what statistics features are normalised: the whole image's own, or those of training, which let it be tiled."""


class ConvBlock(nn.Sequential):
    """3x3x3 convolutions, each followed by normalisation and leaky ReLU; keeps the grid."""

    def __init__(self, channels_in: int, channels_out: int, convolutions: int, norm: str = "instance") -> None:
        layers: list[nn.Module] = []
        for place in range(convolutions):
            layers += [
                nn.Conv3d(channels_out if place else channels_in, channels_out, 3, padding=1, bias=False),
                NORMS[norm](channels_out),
                nn.LeakyReLU(0.01, inplace=True),
            ]
        super().__init__(*layers)


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
    norm : str
        Key of ``NORMS``.
    prior : tuple of int
        Input channels with an atlas's shares of the classes after the background, to start from; may be empty.

    Notes
    -----
    Skips are added to what comes from below, not stacked on it (LinkNet, Chaurasia & Culurciello 2017), and full
    resolution has one convolution on the way down, the other levels two: on a CPU the time goes into full
    resolution. The same step with stacked skips and one convolution on the way up takes a quarter longer.

    Examples
    --------
    >>> UNet(4, 27, (8, 16))(torch.zeros(1, 4, 8, 8, 8)).shape
    torch.Size([1, 27, 8, 8, 8])
    """

    def __init__(
        self, channels_in: int, classes: int, widths: tuple[int, ...], norm: str = "instance",
        prior: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self.prior = prior
        inputs = (channels_in, *widths[:-1])
        depths = (1, *(2,) * (len(widths) - 1))
        self.encoders = nn.ModuleList(ConvBlock(*sizes, norm) for sizes in zip(inputs, widths, depths, strict=True))
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.risers = nn.ModuleList(nn.ConvTranspose3d(deep, shallow, 2, stride=2) for deep, shallow in upward)
        self.decoders = nn.ModuleList(ConvBlock(width, width, 2, norm) for width in widths[-2::-1])
        self.head = nn.Conv3d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> logits (N, classes, D, H, W)."""
        skips, shown = [], x
        for depth, encoder in enumerate(self.encoders):
            x = encoder(F.max_pool3d(x, 2) if depth else x)
            skips.append(x)
        for riser, decoder, skip in zip(self.risers, self.decoders, skips[-2::-1], strict=True):
            x = decoder(riser(x) + skip)
        answer = self.head(x)
        return answer + prior_logits(shown, self.prior) if self.prior else answer
