"""Cubes of labelled infants, drawn at random: what the networks for tissues learn from."""

from __future__ import annotations

import numpy as np
import torch

from cerebbids.training.infants import Infant
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream

SIDE = 32
"""Voxels along each side of a cube."""


class InfantPatches(Stream):
    """Example ``k`` is a cube around a voxel of some infant's cerebellum, mirrored half of the time.

    Items are (images (channels, 32, 32, 32) float32, target (2, 32, 32, 32) float32): labels, and how much each
    voxel's counts.

    Parameters
    ----------
    infants : tuple of Infant
        All labelled.
    recipe : Recipe
    bright : bool
        Whether the channels are brightness, which differs from scanner to scanner; probabilities are not varied.
    """

    def __init__(self, infants: tuple[Infant, ...], recipe: Recipe, *, bright: bool = True) -> None:
        super().__init__(recipe)
        self.infants, self.bright = infants, bright
        self.inside = tuple(np.argwhere(infant.labels > 0) for infant in infants)

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        chosen = int(rng.integers(len(self.infants)))
        infant, inside = self.infants[chosen], self.inside[chosen]
        centre = inside[int(rng.integers(len(inside)))]
        shape = infant.labels.shape
        corner = [int(np.clip(c - SIDE // 2, 0, size - SIDE)) for c, size in zip(centre, shape, strict=True)]
        place = tuple(slice(first, first + SIDE) for first in corner)
        images = infant.images[:, *place].copy()
        labels = infant.labels[place].astype(np.float32)
        weights = np.ones_like(labels) if infant.weights is None else infant.weights[place]
        target = np.stack((labels, weights))
        if self.bright:
            images = np.where(images == 0, 0, np.stack([varied(channel, rng) for channel in images]))
        if rng.random() < 0.5:
            images, target = images[:, ::-1], target[:, ::-1]
        return torch.from_numpy(images.copy()), torch.from_numpy(target.copy())


def varied(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let a standardised image look as one of another scanner, float32: contrast, brightness and noise are others.

    Standardising inside the cut-out takes scale and shift out, but not how bright its tissues are beside each other.
    """
    bent = np.sign(image) * np.abs(image) ** rng.uniform(0.8, 1.25)
    noise = rng.normal(0, rng.uniform(0, 0.3), image.shape)
    return (bent * rng.uniform(0.8, 1.25) + rng.uniform(-0.3, 0.3) + noise).astype(np.float32)
