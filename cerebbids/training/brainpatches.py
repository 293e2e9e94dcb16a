"""Patches of whole brains, varied as the texts of the two systems vary them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage

from cerebbids.inference.brains import standardised
from cerebbids.training.braincases import BrainCase
from cerebbids.training.finepatches import read_near, varied_places
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream
from cerebbids.training.supervision import UNLABELLED

MODALITIES = 2
"""T1w and T2w, the first channels of all images."""
Varied = Callable[[np.ndarray, np.ndarray, np.ndarray, int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Images (channels, X, Y, Z), labels (X, Y, Z), a voxel and a side -> those of a patch around the voxel."""


class BrainPatches(Stream):
    """Example ``k`` is a patch around a voxel of some brain that is shown.

    Items are (images (channels, side, side, side) float32, target (2, side, side, side) float32): labels, and the age
    in units of ``ages``, the same in every voxel.

    Parameters
    ----------
    cases : tuple of BrainCase
    recipe : Recipe
    side : int
        Voxels along each side.
    vary : callable
    ages : tuple of float
        Mean and standard deviation of the ages, weeks.
    """

    def __init__(
        self, cases: tuple[BrainCase, ...], recipe: Recipe, side: int, vary: Varied, ages: tuple[float, float]
    ) -> None:
        super().__init__(recipe)
        self.cases, self.side, self.vary, self.ages = cases, side, vary, ages
        self.inside = tuple(np.argwhere(case.images[0] != 0).astype(np.int16) for case in cases)

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        chosen = int(rng.integers(len(self.cases)))
        case, inside = self.cases[chosen], self.inside[chosen]
        images, labels = self.vary(case.images, case.labels, inside[int(rng.integers(len(inside)))], self.side, rng)
        mean, spread = self.ages
        target = np.stack((labels, np.full(labels.shape, (case.weeks - mean) / spread))).astype(np.float32)
        return torch.from_numpy(images), torch.from_numpy(target)


def turned(
    images: np.ndarray, labels: np.ndarray, centre: np.ndarray, side: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Turn by a multiple of 90 degrees about z and flip along y at random; then every modality is standardised.

    As in the text of the isointense system (section 4.1: augmentation and patches). Channels after the modalities are
    distances, whose zero and unit mean something.
    """
    (images, labels) = cropped(images, labels, centre, side)
    quarter, flip = int(rng.integers(4)), rng.random() < 0.5
    both = [np.rot90(part, quarter, (-3, -2)) for part in (images, labels)]
    images, labels = (part[..., ::-1, :] if flip else part for part in both)
    images = images.astype(np.float32, order="C")
    images[:MODALITIES] = standardised(torch.from_numpy(images[None, :MODALITIES]))[0].numpy()
    return images, labels.copy()


def bent(
    images: np.ndarray, labels: np.ndarray, centre: np.ndarray, side: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each at random: flip, affine and elastic deformation, noise, smoothing, scaling and shifting of brightness.

    As in the text of the neonatal system (section 3.2.2), which has no affine deformation; half of the patches keep
    their shape. Voxels beyond the image are labelled if all of it is.
    """
    if rng.random() < 0.5:
        images, labels = cropped(images, labels, centre, side)
    else:
        places = varied_places(centre, rng, side)
        classes = torch.from_numpy(np.stack((labels, np.ones_like(labels))))
        images = read_near(torch.from_numpy(images), places).numpy()
        found, there = read_near(classes, places, "nearest").numpy()
        labels = np.where(there > 0, found, _beyond(labels)).astype(np.uint8)
    if rng.random() < 0.5:
        images, labels = images[:, ::-1], labels[::-1]
    return np.stack([_rescanned(image, rng) for image in images]), labels.copy()


def cropped(images: np.ndarray, labels: np.ndarray, centre: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Cube around a voxel, or as near to it as the array allows; beyond one that is too small nothing is shown."""
    short = [max(0, side - size) for size in labels.shape]
    if any(short):
        pads = [(part // 2, part - part // 2) for part in short]
        images, labels = np.pad(images, [(0, 0), *pads]), np.pad(labels, pads, constant_values=_beyond(labels))
        centre = centre + [before for before, _ in pads]
    corner = [int(np.clip(c - side // 2, 0, size - side)) for c, size in zip(centre, labels.shape, strict=True)]
    place = tuple(slice(first, first + side) for first in corner)
    return images[:, *place], labels[place]


def _beyond(labels: np.ndarray) -> int:
    """Label of what lies beyond an image: nobody has said anything about it where not all of the image is labelled."""
    return UNLABELLED if (labels == UNLABELLED).any() else 0


def _rescanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change the brightness of what is shown; all around it stays 0."""
    changed = image
    if rng.random() < 0.2:
        changed = ndimage.gaussian_filter(changed, rng.uniform(0.3, 0.8))
    if rng.random() < 0.5:
        changed = changed * rng.uniform(0.85, 1.15) + rng.uniform(-0.15, 0.15)
    if rng.random() < 0.3:
        changed = changed + rng.normal(0, rng.uniform(0, 0.15), image.shape)
    return np.where(image == 0, 0, changed).astype(np.float32)
