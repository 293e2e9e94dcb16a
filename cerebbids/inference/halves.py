"""Between the cascade's grid and the one half as fine on which atlas and network at 1 mm speak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.imaging.resample import moved_up
from cerebbids.systems.grid import CEREBELLUM_1MM, Grid


def on_fine_half(shares: torch.Tensor, grid: Grid) -> np.ndarray:
    """Bring shares from ``CEREBELLUM_1MM`` to a grid of its shape that is half as fine as the cascade's.

    Parameters
    ----------
    shares : Tensor, (classes, X, Y, Z)
        Background first.
    grid : Grid

    Returns
    -------
    ndarray, (classes, X, Y, Z), uint8
        Parts of 255; background alone beyond ``CEREBELLUM_1MM``.
    """
    parts = (255 * shares).round().to(torch.uint8).numpy()
    moved = np.stack([moved_up(part, CEREBELLUM_1MM, grid) for part in parts])
    moved[0][moved.max(0) == 0] = 255  # beyond the other grid
    return moved


def halved(box: Sequence[slice]) -> tuple[slice, ...]:
    """Box of a grid, in the voxels of one half as fine; starts and ends are even.

    Examples
    --------
    >>> halved((slice(2, 8), slice(0, 4)))
    (slice(1, 4, None), slice(0, 2, None))
    """
    return tuple(slice(side.start // 2, side.stop // 2) for side in box)


def finer(shares: torch.Tensor) -> torch.Tensor:
    """Read shares (C, X, Y, Z) linearly in voxels half as large: (C, 2X, 2Y, 2Z), float32."""
    return F.interpolate(shares[None].float(), scale_factor=2, mode="trilinear", align_corners=False)[0]
