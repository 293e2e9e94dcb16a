"""Patches of a case at 0.5 mm, pulled through all its deformations at once.

A case, an affine and elastic variation and, of the extended set, another's shape: composed, every voxel of a patch is
read once from the stored volumes. Deforming whole boxes of ten million voxels would take longer than a training step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.inference.cascade import from_midplane
from cerebbids.systems.grid import CEREBELLUM_05MM

SIDE = 64
"""Voxels along each side of a patch."""
CONTROL = 32
"""Voxels from one control point of the elastic variation to the next."""
BEND = 5.0
"""Largest displacement of a control point, voxels."""
TURN, SHEAR, GROW = (0.16, 0.1, 0.1), 0.04, 0.12
"""Largest rotation about each axis (radians), shear, and change of size."""


@dataclass(frozen=True)
class Stored:
    """A whole case: ``t1w``, ``t2w`` (X, Y, Z) float16, ``labels`` uint8, ``guess`` (shares, X / 2, ...) uint8."""

    t1w: torch.Tensor
    t2w: torch.Tensor
    labels: torch.Tensor
    guess: torch.Tensor


@dataclass(frozen=True)
class Patch:
    """A piece of a case: ``t1w``, ``t2w`` (D, H, W) float32, ``labels`` int64, ``guess`` (shares, D, H, W) float32.

    ``midplane`` (D, H, W) float32: how far from the midplane each voxel lies in the case, as networks see it.
    """

    t1w: torch.Tensor
    t2w: torch.Tensor
    labels: torch.Tensor
    guess: torch.Tensor
    midplane: torch.Tensor


def read(volumes: torch.Tensor, places: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """Sample volumes (C, X, Y, Z) at places (D, H, W, 3) in their voxels: (C, D, H, W); nothing is outside."""
    last = torch.tensor(volumes.shape[1:]) - 1
    points = (2 * places / last - 1).flip(-1)[None]
    return F.grid_sample(volumes[None], points, mode=mode, align_corners=True, padding_mode="zeros")[0]


def varied_places(centre: np.ndarray, rng: np.random.Generator, side: int = SIDE) -> torch.Tensor:
    """Places (side, side, side, 3) of a patch around a voxel: turned, sheared, grown and bent at random."""
    axis = torch.arange(side) - (side - 1) / 2
    offsets = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    matrix = torch.from_numpy(random_matrix(rng)).float()
    knots = side // CONTROL + 1  # the first and the last at the faces
    bends = torch.from_numpy(rng.uniform(-BEND, BEND, (1, 3, knots, knots, knots)).astype(np.float32) * rng.random())
    bent = F.interpolate(bends, (side,) * 3, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0)
    return offsets @ matrix.T + bent + torch.from_numpy(centre.astype(np.float32))


def random_matrix(rng: np.random.Generator) -> np.ndarray:
    """Small rotation, shear and growth (3, 3)."""
    matrix = np.eye(3)
    for axis, most in enumerate(TURN):
        angle, (a, b) = rng.uniform(-most, most), [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    shear = np.eye(3) + rng.uniform(-SHEAR, SHEAR, (3, 3)) * (1 - np.eye(3))
    return matrix @ shear @ np.diag(1 + rng.uniform(-GROW, GROW, 3))


def through(places: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    """Places of the fine grid, pulled on through a displacement (1, 3, X / 4, Y / 4, Z / 4) in voxels of 2 mm."""
    coarse = (places - 1.5) / 4
    return places + 4 * read(displacement[0].float(), coarse).permute(1, 2, 3, 0)


def cut(case: Stored, places: torch.Tensor) -> Patch:
    """Read a case at places (D, H, W, 3) in its voxels: images and guess linearly, labels by the nearest voxel."""
    t1w, t2w = (read_near(image[None], places)[0] for image in (case.t1w, case.t2w))
    labels = read_near(case.labels[None], places, "nearest")[0]
    guess = read_near(case.guess, (places - 0.5) / 2) / 255
    midplane = from_midplane(CEREBELLUM_05MM.origin[0] + CEREBELLUM_05MM.spacing * places[..., 0])
    return Patch(t1w, t2w, labels.long(), guess, midplane)


def read_near(volumes: torch.Tensor, places: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """:func:`read` of volumes of any type, of which no more is made float32 than the places need."""
    last = torch.tensor(volumes.shape[1:]) - 1
    low, high = torch.stack([torch.stack(axis.aminmax()) for axis in places.unbind(-1)], 1)
    low = low.floor().long().clamp(min=0).minimum(last)
    high = (high.ceil().long() + 1).clamp(min=0).minimum(last) + 1
    low = low.minimum(high - 2).clamp(min=0)  # two planes are wanted to read between
    box = (slice(None), *(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)))
    return read(volumes[box].float(), places - low, mode)


def mirrored_patch(patch: Patch, labels: torch.Tensor, shares: torch.Tensor) -> Patch:
    """Mirror image of a patch; int64 tables say which label, and which share of the guess, each becomes."""
    t1w, t2w, midplane = (volume.flip(0) for volume in (patch.t1w, patch.t2w, patch.midplane))
    return Patch(t1w, t2w, labels[patch.labels.flip(0)], patch.guess.flip(1)[shares], midplane)
