"""The Deep Pyramidal Network of DeepCERES: from an eighth of the resolution up, the image fed in at each.

Morell-Ortega et al. 2025, section 2.2 and figure 3. The text gives the resolutions, the filters and the blocks. How the
image enters is read off the number of parameters that it gives: with one convolution of the image at each resolution,
added to what comes from below, two networks of 2 channels in, 3 and 14 classes out, have its 696,177.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cerebbids.nets.prior import prior_logits
from cerebbids.nets.renorm import BatchRenorm3d


class Level(nn.Module):
    """One resolution: the image's own convolution, three blocks of convolution, ReLU and batch normalisation."""

    def __init__(self, channels_in: int, width: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv3d(channels_in, width, 3, padding=1)
        blocks: list[nn.Module] = []
        for _ in range(3):
            blocks += [nn.Conv3d(width, width, 3, padding=1), nn.ReLU(inplace=True), BatchRenorm3d(width)]
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image: torch.Tensor, below: torch.Tensor | None) -> torch.Tensor:
        """(N, channels_in, D, H, W), (N, width, D / 2, H / 2, W / 2) -> (N, width, D, H, W)."""
        x = self.stem(image)
        if below is not None:
            x = x + F.interpolate(below, scale_factor=2, mode="trilinear", align_corners=False)
        return self.dropout(self.blocks(x))


class DPN(nn.Module):
    """Coarse to fine, every resolution as wide as the others.

    Parameters
    ----------
    channels_in : int
        T1w, T2w, atlas ...
    classes : int
        Output channels, background first.
    width : int
        Filters.
    levels : int
        Resolutions; input sides divide by ``2 ** (levels - 1)``.
    dropout : float
        Rate below full resolution.
    prior : tuple of int
        Input channels with the atlas's shares of the classes after the background, to start from; may be empty.

    Examples
    --------
    >>> DPN(2, 3, width=4, levels=3)(torch.zeros(1, 2, 8, 12, 8)).shape
    torch.Size([1, 3, 8, 12, 8])
    """

    def __init__(
        self, channels_in: int, classes: int, width: int = 32, levels: int = 4, dropout: float = 0.25,
        prior: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self.prior = prior
        rates = [dropout] * (levels - 1) + [0.0]
        self.levels = nn.ModuleList(Level(channels_in, width, rate) for rate in rates)
        self.head = nn.Conv3d(width, classes, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, D, H, W) -> logits (N, classes, D, H, W)."""
        images = [x]
        while len(images) < len(self.levels):
            images.append(F.avg_pool3d(images[-1], 2))
        found = None
        for level, image in zip(self.levels, reversed(images), strict=True):
            found = level(image, found)
        answer = self.head(found)
        return answer + prior_logits(x, self.prior) if self.prior else answer
