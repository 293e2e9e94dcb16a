"""The cascade of DeepCERES at 0.5 mm: which side, then which lobule, each the mean of two networks.

Morell-Ortega et al. 2025, sections 2.2 and 3.5. Both stages see T1w, T2w and the subject's atlas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.imaging.carving import N_SIDE
from cerebbids.inference.device import is_fast_in_bf16
from cerebbids.systems.grid import Grid

LIKELY = 0.1
"""Share of the votes from which a voxel may be cerebellum."""
MARGIN = 16
"""Voxels around all of these where networks look."""
MULTIPLE = 16
"""Sides of what networks are shown divide by this."""
T1_SCALE, T2_SCALE = (150.0, 60.0), (150.0, 100.0)
"""Brightness that networks see as 0, and by how much more they see 1."""


@dataclass(frozen=True)
class Cascade:
    """Networks of both stages, whose answers are averaged."""

    sides: tuple[torch.nn.Module, ...]
    lobules: tuple[torch.nn.Module, ...]


def segment_cascade(
    cascade: Cascade, t1w: np.ndarray, t2w: np.ndarray, atlas: torch.Tensor, grid: Grid, device: torch.device
) -> tuple[torch.Tensor, Grid]:
    """Name the lobules of a cerebellum at 0.5 mm.

    Parameters
    ----------
    cascade : Cascade
    t1w, t2w : ndarray, (X, Y, Z)
        Tissues at fixed brightness.
    atlas : Tensor, (27, X / 2, Y / 2, Z / 2)
        Shares of the votes.
    grid : Grid
        Of the images.
    device : torch.device

    Returns
    -------
    Tensor, (27, ...), float32, on the CPU
        Probabilities in the part of the grid where the atlas is.
    Grid
        That part.
    """
    box = box_around(atlas[0] < 1 - LIKELY)
    half = tuple(slice(side.start // 2, side.stop // 2) for side in box)
    images = [torch.from_numpy(np.ascontiguousarray(image[box], np.float32)) for image in (t1w, t2w)]
    prior = F.interpolate(atlas[:, *half][None], scale_factor=2, mode="trilinear", align_corners=False)[0]
    left, right = prior[1 : N_SIDE + 1], prior[N_SIDE + 1 :]
    sides = mean_answer(cascade.sides, cascade_input(*images, torch.stack([left.sum(0), right.sum(0)])).to(device))
    shown = (sides.argmax(0) > 0).cpu()
    lobules = mean_answer(cascade.lobules, cascade_input(*images, left + right, shown).to(device))
    return joined(sides, lobules).cpu(), grid.part(box)


def box_around(where: torch.Tensor) -> tuple[slice, slice, slice]:
    """Box of a grid twice as fine around true voxels (X, Y, Z), with a margin, its sides multiples of ``MULTIPLE``."""
    found = []
    for axis, size in enumerate(where.shape):
        others = [other for other in range(3) if other != axis]
        places = torch.nonzero(where.any(others[1]).any(others[0]))[:, 0]
        low, high = 2 * int(places.min()) - MARGIN, 2 * int(places.max()) + 2 + MARGIN
        length = min(-(-(high - low) // MULTIPLE) * MULTIPLE, 2 * size)
        start = max(0, min(low, 2 * size - length))
        found.append(slice(start - start % 2, start - start % 2 + length))
    return found[0], found[1], found[2]


def cascade_input(
    t1w: torch.Tensor, t2w: torch.Tensor, atlas: torch.Tensor, shown: torch.Tensor | None = None
) -> torch.Tensor:
    """Stack images, tissues at fixed brightness, and the atlas, as the networks of the cascade see them.

    Parameters
    ----------
    t1w, t2w : Tensor, (X, Y, Z)
    atlas : Tensor, (shares, X, Y, Z)
    shown : Tensor of bool, (X, Y, Z), optional
        Nothing is seen elsewhere.
    """
    scaled = []
    for image, (mean, spread) in ((t1w, T1_SCALE), (t2w, T2_SCALE)):
        seen = image if shown is None else image * shown
        scaled.append(((seen - mean) / spread).clamp(-4, 4))
    return torch.cat([torch.stack(scaled), atlas])


@torch.inference_mode()
def mean_answer(nets: Sequence[torch.nn.Module], seen: torch.Tensor) -> torch.Tensor:
    """Mean of the class probabilities (classes, X, Y, Z) that networks give to an input (channels, X, Y, Z)."""
    batch = seen[None].contiguous(memory_format=torch.channels_last_3d)
    total = 0
    for net in nets:
        with torch.autocast(seen.device.type, torch.bfloat16, enabled=is_fast_in_bf16(seen.device)):
            logits = net(batch)
        total = total + logits[0].float().softmax(0)
    return total / len(nets)


def joined(sides: torch.Tensor, lobules: torch.Tensor) -> torch.Tensor:
    """Probabilities of all labels: those of the sides, each shared out among its lobules.

    Parameters
    ----------
    sides : Tensor, (3, X, Y, Z)
        Background, left, right.
    lobules : Tensor, (14, X, Y, Z)
        Background, twelve lobules, white matter.

    Returns
    -------
    Tensor, (27, X, Y, Z)

    Examples
    --------
    >>> sides = torch.tensor([0.2, 0.8, 0.0]).reshape(3, 1, 1, 1)
    >>> lobules = torch.tensor([0.5, 0.4, *[0.0] * 11, 0.1]).reshape(14, 1, 1, 1)
    >>> joined(sides, lobules).flatten()[[0, 1, 13, 14]]
    tensor([0.2000, 0.6400, 0.1600, 0.0000])
    """
    among = lobules[1:] / lobules[1:].sum(0).clamp(min=1e-6)
    return torch.cat([sides[:1], sides[1:2] * among, sides[2:] * among])
