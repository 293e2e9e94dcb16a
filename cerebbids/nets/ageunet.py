"""A residual U-Net for neonates, which may tell the age from its bottleneck as well (Richter & Fetit 2022).

The U-Net is that of nnU-Net (Isensee et al. 2021) with residual blocks: an input block, four downsamplings, a
bottleneck of 4x4x4 where a patch has 128x128x128 voxels, and five upsamplings, with instance normalisation and leaky
ReLU. In MONAI's DynUNet, which the authors' words follow, blocks on the way up are not residual; here they are, as the
text says of all. First weights are torch's. The AgeU-Net of the text brings the bottleneck down to one number by
convolutions and a fully connected layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from cerebbids.nets.unet import InstanceNorm

SLOPE = 0.01
"""Of leaky ReLU below 0."""

STRATEGIES = {"shallow": 0.2, "medium": 0.4, "deep": 0.8}
"""Strategy of fine-tuning -> share of the upsamplings that learn, counted from the bottleneck, and as many blocks
before it: 1, 2 and 4 of the text's five."""


class Residual(nn.Module):
    """Two convolutions with instance normalisation; what came in, or its projection, is added.

    Parameters
    ----------
    channels_in, channels_out : int
    stride : int
        Of the first convolution.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 3, stride, 1, bias=False), InstanceNorm(channels_out),
            nn.LeakyReLU(SLOPE, inplace=True),
        )  # fmt: skip
        self.second = nn.Sequential(
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=False), InstanceNorm(channels_out)
        )
        same = channels_in == channels_out and stride == 1
        self.aside = nn.Identity() if same else nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 1, stride, bias=False), InstanceNorm(channels_out)
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> (N, channels_out, D / stride, ...)."""
        return F.leaky_relu(self.second(self.first(x)) + self.aside(x), SLOPE)


class Rise(nn.Module):
    """Transposed convolution to twice the resolution, stacked with the skip, and a residual block."""

    def __init__(self, deep: int, fine: int) -> None:
        super().__init__()
        self.rise = nn.ConvTranspose3d(deep, fine, 2, stride=2, bias=False)
        self.block = Residual(2 * fine, fine)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """(N, deep, D, H, W) and (N, fine, 2 D, ...) -> (N, fine, 2 D, ...)."""
        return self.block(torch.cat((self.rise(x), skip), 1))


class AgeHead(nn.Module):
    """From the bottleneck to one number: two convolutions with stride, the mean over space, a fully connected layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.condense = nn.Sequential(
            nn.Conv3d(channels, channels, 3, 2, 1), nn.LeakyReLU(SLOPE), nn.Conv3d(channels, channels, 3, 2, 1),
            nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.tell = nn.Linear(channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, D, H, W) -> (N,)."""
        # In float32: on CPUs the gradient of a bfloat16 convolution of a single voxel may be NaN.
        with torch.autocast(x.device.type, enabled=False):
            return self.tell(self.condense(x.float()).mean((2, 3, 4)))[:, 0]


class AgeUNet(nn.Module):
    """Label a patch, and tell the age of whom it shows.

    Parameters
    ----------
    channels_in : int
        T1w and T2w: 2.
    classes : int
        Output channels, background first.
    widths : tuple of int
        Feature channels of the input block, each downsampling and the bottleneck.
    scales : int
        Finest resolutions with a head (deep supervision); the full one alone: 1.
    age : bool
        Whether there is an age head.

    Examples
    --------
    >>> net, x = AgeUNet(2, 10, (4, 8, 8, 8), scales=2, age=True), torch.zeros(1, 2, 16, 16, 16)
    >>> labels, age = net.eval()(x)
    >>> labels.shape, age.shape, len(net.train()(x)[0])
    (torch.Size([1, 10, 16, 16, 16]), torch.Size([1]), 2)
    """

    def __init__(
        self, channels_in: int, classes: int, widths: Sequence[int] = (32, 64, 128, 256, 320, 320), scales: int = 3,
        *, age: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if not 1 <= scales < len(widths):
            raise ValueError(f"between 1 and {len(widths) - 1} resolutions have a head, not {scales}")
        down = [(wide, wider) for wide, wider in zip(widths[:-1], widths[1:], strict=True)]
        self.blocks = nn.ModuleList([Residual(channels_in, widths[0]), *(Residual(*pair, stride=2) for pair in down)])
        self.rises = nn.ModuleList(Rise(deep, fine) for fine, deep in reversed(down))
        self.heads = nn.ModuleList(nn.Conv3d(width, classes, 1) for width in widths[:scales])
        self.age = AgeHead(widths[-1]) if age else None

    def forward(self, x: torch.Tensor) -> object:
        """(N, channels_in, D, H, W), sides multiples of ``2 ** (len(widths) - 1)`` -> labels, with an age head and age.

        Labels are logits (N, classes, D, H, W), or in training those at all resolutions with a head, the finest
        first; an age is (N,).
        """
        skips = []
        for block in self.blocks:
            x = block(x)
            skips.append(x)
        bottom, levels = skips.pop(), []
        for rise in self.rises:
            x = rise(x, skips.pop())
            levels.append(x)
        told = zip(self.heads, reversed(levels), strict=False)
        labels = tuple(tell(level) for tell, level in told) if self.training else self.heads[0](x)
        return labels if self.age is None else (labels, self.age(bottom))

    def learning(self, strategy: str) -> tuple[nn.Parameter, ...]:
        """Weights that a strategy of fine-tuning changes; all others are kept as they were learnt.

        Parameters
        ----------
        strategy : str
            Key of ``STRATEGIES`` (the bottleneck, and blocks around it), or ``full``.

        Examples
        --------
        >>> net = AgeUNet(2, 10, (4, 8, 8, 8, 8, 8))
        >>> [sum(p.numel() for p in net.learning(name)) for name in ("shallow", "medium", "deep", "full")]
        [13008, 22448, 40432, 42950]
        """
        if strategy == "full":
            return tuple(self.parameters())
        around = max(1, round(STRATEGIES[strategy] * len(self.rises)))
        inner = [*self.blocks[-1 - around :], *self.rises[:around]]
        return tuple(weight for module in inner for weight in module.parameters())
