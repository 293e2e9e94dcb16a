"""Deformable registration of volumes on one grid by gradient descent on a control-point field.

The label factory needs a registration that takes images and outlines at once, in seconds on a CPU.
Displacements are in voxels and pull back: ``warped(x) = moving(x + u(x))``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from cerebbids.nets.displacement import warp
from cerebbids.nets.similarity import local_correlation, roughness


@dataclass(frozen=True)
class Stage:
    """One resolution of the pyramid: image shrink factor, control-point spacing (voxels), iterations."""

    shrink: int
    spacing: int
    iterations: int


PYRAMID = (Stage(4, 8, 50), Stage(2, 4, 50), Stage(1, 4, 20))


@dataclass(frozen=True)
class Pair:
    """What is matched: images by local correlation (optional), channels by mean squares.

    Tensors are (1, 1 or C, D, H, W); ``region`` weights the image term, ``weights`` the channels, in the fixed space.
    """

    fixed_channels: torch.Tensor
    moving_channels: torch.Tensor
    fixed_image: torch.Tensor | None = None
    moving_image: torch.Tensor | None = None
    region: torch.Tensor | None = None
    weights: torch.Tensor | None = None

    def shrunk(self, factor: int) -> Pair:
        """Return the pair on a grid ``factor`` times coarser."""

        def shrink(x: torch.Tensor | None) -> torch.Tensor | None:
            if x is None or factor == 1:
                return x
            size = [max(8, n // factor) for n in x.shape[2:]]
            return F.interpolate(x, size=size, mode="trilinear", align_corners=True)

        return Pair(*(shrink(getattr(self, name)) for name in self.__dataclass_fields__))

    def loss(self, displacement: torch.Tensor, width: int) -> torch.Tensor:
        """Dissimilarity after moving by ``displacement`` (voxels of this grid)."""
        warped = warp(self.moving_channels, displacement)
        misfit = (warped - self.fixed_channels) ** 2
        total = 10 * (misfit if self.weights is None else self.weights * misfit).sum(1).mean()
        if self.fixed_image is not None:
            moved = warp(self.moving_image, displacement)
            total = total - local_correlation(self.fixed_image, moved, width, self.region)
        return total


def register(pair: Pair, *, stiffness: float, pyramid: tuple[Stage, ...] = PYRAMID, step: float = 0.3) -> torch.Tensor:
    """Find the displacement that brings the moving onto the fixed side of ``pair``.

    Parameters
    ----------
    pair : Pair
        Everything on one grid.
    stiffness : float
        Weight of the field's roughness; below 2 some voxels of cerebella at 1 mm fold.
    pyramid : tuple of Stage
    step : float
        Learning rate of Adam, in voxels.

    Returns
    -------
    Tensor, (1, 3, D, H, W)
        Displacement in voxels, pull-back.
    """
    shape = pair.fixed_channels.shape[2:]
    displacement = torch.zeros(1, 3, *shape)
    for stage in pyramid:
        coarse = pair.shrunk(stage.shrink)
        size = coarse.fixed_channels.shape[2:]
        to_coarse = torch.tensor([(a - 1) / (b - 1) for a, b in zip(size, shape, strict=True)])
        to_coarse = to_coarse.reshape(1, 3, 1, 1, 1)
        control = F.interpolate(
            displacement, size=[max(4, n // stage.spacing) for n in shape], mode="trilinear", align_corners=True
        ).requires_grad_(True)
        optimiser = torch.optim.Adam([control], lr=step)
        for _ in range(stage.iterations):
            field = F.interpolate(control, size=size, mode="trilinear", align_corners=True) * to_coarse
            loss = coarse.loss(field, 9 if stage.shrink == 1 else 5)
            loss = loss + stiffness * roughness(control, stage.spacing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        displacement = F.interpolate(control.detach(), size=shape, mode="trilinear", align_corners=True)
    return displacement
