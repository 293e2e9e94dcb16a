"""Painted heads to learn the intracranial cavity from: any contrast, any field of view, with and without a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from cerebbids.inference.inputs import network_input
from cerebbids.systems.grid import HEAD_2MM
from cerebbids.training.anatomies import FLUID_IDS, WHITE_IDS
from cerebbids.training.augmentation import scanner, spatial
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream
from cerebbids.training.surroundings import OUTSIDE_FROM

HELD_OUT = ("training_seg_01", "training_seg_17", "training_seg_18", "training_seg_19", "training_seg_20")
"""Head maps that are kept for testing; 01 and 20 have brains of the same volumes and may be one person's."""
EVEN_MM = 2.5
"""Standard deviation of the Gaussian that makes the cavity's border even."""
FORAMEN = (-50.0, -72.0)
"""y and z (mm) of a point in the plane of the foramen magnum, below the tonsils of adults in template space."""


def cavity(labels: np.ndarray) -> np.ndarray:
    """Everything inside the skull, fluid too (bool), of a label map on ``HEAD_2MM``."""
    return cavity_field(labels) > 0.5


def cavity_field(labels: np.ndarray) -> np.ndarray:
    """Smooth field (float32) that is above a half inside the skull: its border lies between voxels.

    Head maps call some voxels of orbits and bone fluid, and go on into the spinal canal: thin bridges and what hangs
    on them is dropped, and the cavity ends at the foramen magnum. Their border of fluid and bone is ragged, as that of
    no skull is: it is made even.
    """
    inside = (labels > 0) & (labels < OUTSIDE_FROM)
    inside &= _above_foramen(labels.shape)
    core = ndimage.binary_opening(inside, ndimage.generate_binary_structure(3, 1), iterations=2)
    pieces, _ = ndimage.label(core)
    core = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    near = ndimage.binary_dilation(core, iterations=2)
    whole = ndimage.binary_fill_holes(inside & near)
    return ndimage.gaussian_filter(whole.astype(np.float32), EVEN_MM / HEAD_2MM.spacing)


def _above_foramen(shape: tuple[int, ...]) -> np.ndarray:
    """Whether each voxel of ``HEAD_2MM`` lies above the foramen magnum, whose plane rises a little to the front."""
    _, y, z = np.ix_(*[HEAD_2MM.spacing * np.arange(n) + o for n, o in zip(shape, HEAD_2MM.origin, strict=True)])
    return np.broadcast_to(z > FORAMEN[1] + 0.1 * (y - FORAMEN[0]), shape)


def paint_t1w(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint a label map like some T1w image: tissues in their order, anything outside the skull, air black."""
    ids, place = np.unique(labels, return_inverse=True)
    grey, fluid = rng.uniform(0.55, 0.85), rng.uniform(0.08, 0.4)
    means = rng.uniform(0.02, 1.4, ids.size)
    inside = (ids > 0) & (ids < OUTSIDE_FROM)
    means[inside] = grey * rng.uniform(0.95, 1.08, inside.sum())
    means[np.isin(ids, WHITE_IDS)] = rng.uniform(0.93, 1.05, np.isin(ids, WHITE_IDS).sum())
    means[np.isin(ids, FLUID_IDS)] = fluid
    return _textured(means, ids, place.reshape(labels.shape), rng)


def paint_any(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint every label with a random grey value (Billot et al. 2023), air black."""
    ids, place = np.unique(labels, return_inverse=True)
    return _textured(rng.uniform(0.02, 1.4, ids.size), ids, place.reshape(labels.shape), rng)


def _textured(means: np.ndarray, ids: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spreads = rng.uniform(0.01, 0.12, ids.size)
    means[ids == 0], spreads[ids == 0] = 0.0, 0.01
    painted = means[place] + spreads[place] * rng.standard_normal(place.shape, np.float32)
    return ndimage.gaussian_filter(painted, rng.uniform(0.2, 0.7)).clip(0).astype(np.float32)


def seen_part(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A field of view (bool) that may end below, above, in front or behind, by planes that are a little oblique."""
    seen = np.ones(shape, bool)
    world = np.moveaxis(np.indices(shape), 0, -1) * HEAD_2MM.spacing + HEAD_2MM.origin
    for axis, towards, near, far in ((2, -1, 62, 97), (2, 1, 75, 100), (1, 1, 72, 100), (1, -1, 100, 130)):
        if rng.random() < 0.3:
            normal = rng.normal(0, 0.08, 3)
            normal[axis] = towards
            seen &= world @ (normal / np.linalg.norm(normal)) < rng.uniform(near, far)
    return seen


def faceless(inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a defacing tool leaves (bool): nothing outside the skull in front of a slanting plane."""
    world = np.moveaxis(np.indices(inside.shape), 0, -1) * HEAD_2MM.spacing + HEAD_2MM.origin
    slant = rng.uniform(0.4, 1.1)
    face = world[..., 1] - slant * world[..., 2] > rng.uniform(50, 85)
    margin = ndimage.binary_dilation(inside, iterations=int(rng.integers(1, 4)))
    return ~face | margin


class HeadExamples(Stream):
    """Example ``k`` is what step ``k`` trains on, on the grid ``HEAD_2MM``.

    Items are (input (channels, X, Y, Z) float32, labels (1, X, Y, Z) int64: 1 inside the skull).
    """

    def __init__(self, heads: tuple[np.ndarray, ...], recipe: Recipe) -> None:
        super().__init__(recipe)
        self.heads = heads

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        labels = self.heads[int(rng.integers(len(self.heads)))]
        image, target = painted_head(labels, rng)
        return network_input(torch.from_numpy(image)), torch.from_numpy(target)[None].long()


def painted_head(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint, deform, crop and degrade one head.

    Parameters
    ----------
    labels : ndarray of int, (X, Y, Z)
        On ``HEAD_2MM``.
    rng : numpy.random.Generator

    Returns
    -------
    image : ndarray, (X, Y, Z), float32
    inside : ndarray, (X, Y, Z), uint8
        Its intracranial cavity, as far as it is seen.
    """
    labels = labels[::-1] if rng.random() < 0.5 else labels
    field = cavity_field(labels)
    inside = field > 0.5
    painted = (paint_t1w if rng.random() < 0.7 else paint_any)(labels, rng)
    if rng.random() < 0.4:
        painted = painted * faceless(inside, rng)
    both = torch.from_numpy(np.stack([painted, field]).astype(np.float32))
    both, _ = spatial(both, both[:1], int(rng.integers(2**31)))
    image, target = both[:1], both[1] > 0.5
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    seen = torch.from_numpy(seen_part(labels.shape, rng))
    image = torch.as_tensor(change(image)).clamp(min=0) * seen
    return image[0].numpy(), (torch.as_tensor(target) * seen).numpy().astype(np.uint8)


def cavity_shares(heads: tuple[np.ndarray, ...]) -> torch.Tensor:
    """Share of all voxels outside and inside the skull, (2,)."""
    inside = float(np.mean([cavity(labels).mean() for labels in heads]))
    return torch.tensor([1 - inside, inside])


def load_heads(work: Path, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Read the prepared label maps ``names`` from ``<work>/heads``."""
    found = []
    for name in names:
        with np.load(Path(work) / "heads" / f"{name}.npz") as arrays:
            found.append(arrays["labels"])
    return tuple(found)
