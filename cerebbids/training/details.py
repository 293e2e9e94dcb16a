"""Patches to learn super-resolution from: fine ones, painted and real, and what coarser voxels make of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.training.anatomies import FOLDINGS
from cerebbids.training.degrade import degrade
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream

SIDE = 64
"""Voxels along each side of a fine patch."""
JITTER = 0.12
"""By how much tissues miss their brightness, in parts of white matter's."""


@dataclass(frozen=True)
class Folded:
    """A folded cerebellum at 0.5 mm: shares of 255 of grey and white matter, and where it is with its fissures."""

    grey: np.ndarray
    white: np.ndarray
    hull: np.ndarray


@dataclass(frozen=True)
class Details:
    """Where patches are taken from: folded cerebella to paint, and real images with white matter at 250."""

    folded: tuple[Folded, ...]
    real: tuple[np.ndarray, ...]


def load_folded(work: Path, brains: tuple[str, ...]) -> tuple[Folded, ...]:
    """Read the foldings of ``brains`` (``CoBrALab-1``, say) from ``<work>/folia``."""
    found = []
    for name in (f"{brain}_{folding}" for brain in brains for folding in range(FOLDINGS)):
        with np.load(Path(work) / "folia" / f"{name}.npz") as arrays:
            found.append(Folded(**arrays))
    return tuple(found)


def load_details(work: Path, folded: tuple[str, ...], real: tuple[str, ...]) -> Details:
    """Read everything to take patches from, below ``work``."""
    natives = []
    for name in real:
        with np.load(Path(work) / "brains" / f"{name}.npz") as arrays:
            natives.append(arrays["native"])
    return Details(load_folded(work, folded), tuple(natives))


class DetailExamples(Stream):
    """Item ``k`` is the same for the same seed, whoever asks, in any order.

    Items are (coarse (1, X, Y, Z), fine (1, 2X, 2Y, 2Z)), float32, standardised alike.
    """

    def __init__(self, details: Details, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.details = details

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        sources = self.details.folded if rng.random() < 0.5 else self.details.real
        source = sources[int(rng.integers(len(sources)))]
        fine = painted_patch(source, rng) if isinstance(source, Folded) else real_patch(source, rng)
        return degraded(turned(fine, rng), rng)


def painted_patch(source: Folded, rng: np.random.Generator) -> np.ndarray:
    """Paint a patch of a folded cerebellum like a T1w image whose tissues are nearly at their fixed brightness."""
    box = patch_around(source.hull, rng)
    grey, white = source.grey[box] / np.float32(255), source.white[box] / np.float32(255)
    fluid = 1 - grey - white
    means = np.array(TARGETS) + JITTER * TARGETS[2] * rng.uniform(-1, 1, 3)
    painted = sum(
        share * mean * uneven(share.shape, rng) for share, mean in zip((fluid, grey, white), means, strict=True)
    )
    if rng.random() < 0.5:  # stripped
        painted = painted * source.hull[box]
    return painted.astype(np.float32)


def uneven(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Texture of a tissue: coarse differences of some percent and fine ones of fewer, around 1."""
    coarse = ndimage.zoom(rng.standard_normal([n // 16 for n in shape]).astype(np.float32), 16, order=1)
    fine = ndimage.gaussian_filter(rng.standard_normal(shape).astype(np.float32), 1.0)
    return 1 + rng.uniform(0, 0.06) * coarse + rng.uniform(0, 0.15) * fine


def real_patch(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut a patch that shows brain, a little darker or brighter than it is."""
    box = patch_around(image > 0, rng)
    return image[box].astype(np.float32) * rng.uniform(0.9, 1.1)


def patch_around(shown: np.ndarray, rng: np.random.Generator, side: int = SIDE) -> tuple[slice, ...]:
    """Choose a patch of ``side`` voxels along each axis whose centre is shown."""
    limits = np.array(shown.shape) - side
    while True:
        first = rng.integers(0, limits + 1)
        if shown[tuple(first + side // 2)]:
            return tuple(slice(start, start + side) for start in first)


def turned(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Swap and reverse axes at random: detail looks alike from everywhere."""
    patch = patch.transpose(rng.permutation(3))
    return np.ascontiguousarray(patch[tuple(slice(None, None, int(step)) for step in rng.choice((-1, 1), 3))])


def degraded(fine: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Coarse and fine patch, standardised as if they were parts of one of many images."""
    volume = torch.from_numpy(fine)[None]
    coarse = degrade(volume[None], rng.uniform(0.5, 1.2))[0]
    coarse += rng.uniform(0, 4) * torch.from_numpy(rng.standard_normal(coarse.shape, np.float32))
    mean, spread = rng.uniform(130, 190), rng.uniform(50, 80)
    return (coarse - mean) / spread, (volume - mean) / spread
