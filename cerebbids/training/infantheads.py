"""Painted heads of infants of 1 to 36 months to find the cerebellum in: heads, stripped brains, cut-out cerebella."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.inference.localise import SHAPE, SPACING, grid_around, place_input
from cerebbids.training.augmentation import scanner
from cerebbids.training.brainlooks import draw_contrast
from cerebbids.training.infantanatomy import draw_pose, tissues_on
from cerebbids.training.infantmaps import (
    BRAINSTEM,
    CEREBELLUM,
    CEREBRUM,
    CLASS_OF,
    QUARTER,
    HeadMap,
    Tissue,
    volume_at,
)
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream

MONTHS = (1.0, 36.0)
KINDS = ("head", "stripped", "cut-out")
SHARES = (0.5, 0.25, 0.25)
"""How much of the examples each kind is."""
SPREAD_MM = {"head": (20.0, 25.0, 30.0), "stripped": (20.0, 20.0, 20.0), "cut-out": (20.0, 20.0, 20.0)}
"""How far from the middle of the grid that of the brain, or of a cut-out, may lie. A neck draws a head's downwards."""
NEAR_MM = (8.0, 25.0)
"""Brainstem so near to the cerebellum is cut out with it."""
WEEKS, NEONATAL_SIZES, NEONATAL_STRIPPED = (26.0, 46.0), (0.7, 1.12), 0.4
"""Postmenstrual ages of neonates, edge lengths beside those of the brain at term, and share of bare brains."""
AGES = (1, 3, 6, 9, 12, 24, 36)
WHITE = (0.86, 0.92, 1.0, 1.08, 1.15, 1.28, 1.32)
"""Brightness of the cerebrum's white matter beside grey matter at these months: inverted, the same, as in adults."""
EARLY = (1.05, 1.1, 1.15, 1.18, 1.2, 1.3, 1.32)
"""The same of brainstem and cerebellum, which myelinate first."""


def t1w_means(month: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness of every tissue, (tissues,) float32, in some T1w image at an age."""
    grey = rng.uniform(0.5, 0.7)
    white, early = (grey * (np.interp(month, AGES, ratio) + rng.normal(0, 0.05)) for ratio in (WHITE, EARLY))
    fluid = grey * rng.uniform(0.12, 0.55)
    found = {
        Tissue.AIR: 0.0, Tissue.CORTEX: grey, Tissue.WHITE: white, Tissue.DEEP: grey * rng.uniform(0.98, 1.18),
        Tissue.VENTRICLE: fluid, Tissue.CEREBELLAR_GREY: grey * rng.uniform(0.9, 1.12),
        Tissue.CEREBELLAR_WHITE: early, Tissue.BRAINSTEM: early * rng.uniform(0.92, 1.08), Tissue.FLUID: fluid,
        Tissue.BONE: rng.uniform(0.02, 0.25), Tissue.FAT: rng.uniform(0.7, 1.6), Tissue.MUSCLE: rng.uniform(0.3, 0.8),
        Tissue.EYE: rng.uniform(0.08, 0.4), Tissue.VEIN: rng.uniform(0.1, 1.2),
        Tissue.CORD: early * rng.uniform(0.85, 1.1),
    }  # fmt: skip
    return np.array([found[tissue] for tissue in Tissue], np.float32)


def any_means(rng: np.random.Generator) -> np.ndarray:
    """Random brightness of every tissue (Billot et al. 2023), (tissues,) float32; air black."""
    found = rng.uniform(0.05, 1.3, len(Tissue)).astype(np.float32)
    found[Tissue.AIR] = 0
    return found


def draw_means(month: float, rng: np.random.Generator) -> np.ndarray:
    """As a T1w image of the age seven times of ten, else any."""
    return t1w_means(month, rng) if rng.random() < 0.7 else any_means(rng)


def textured(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give every voxel of a painted volume some noise of its own, more where it is bright; float32, not negative."""
    noise = ndimage.gaussian_filter(rng.standard_normal(mean.shape, np.float32), rng.uniform(0.3, 0.7))
    fine = rng.uniform(0.01, 0.15) * (0.2 + mean) * noise / noise.std()
    return np.where(mean > 0, mean + fine, mean).clip(0).astype(np.float32)


def nearest_map(heads: tuple[HeadMap, ...], month: float) -> HeadMap:
    """The map that is nearest in age, on a logarithmic scale."""
    return min(heads, key=lambda head: abs(np.log(head.month / month)))


def cut_out(classes: np.ndarray, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """What is left (0 to 1, float32) when cerebellum and nearby brainstem are cut out, with fluid between and around.

    Parameters
    ----------
    classes : ndarray, (X, Y, Z)
    spacing : float
        Edge of its voxels, mm.
    rng : numpy.random.Generator
    """
    cerebellum = classes == CEREBELLUM
    if not cerebellum.any():
        return np.zeros(classes.shape, np.float32)
    near = spacing * ndimage.distance_transform_edt(~cerebellum) < rng.uniform(*NEAR_MM)
    kept = cerebellum | ((classes == BRAINSTEM) & near)
    closing, margin = rng.uniform(4, 9), rng.uniform(0, 3)
    wide = spacing * ndimage.distance_transform_edt(~kept) < closing
    depth = spacing * ndimage.distance_transform_edt(wide) - closing + margin
    left = (depth / spacing + 0.5).clip(0, 1).astype(np.float32)
    return np.where(classes == CEREBRUM, 0, left) if rng.random() < 0.7 else left


def seen_part(classes: np.ndarray, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """A field of view (bool) that may end at the neck, or within the cerebellum, at other sides behind the brain."""
    seen = np.ones(classes.shape, bool)
    found = np.argwhere(classes > 0) * spacing
    if not len(found):
        return seen
    low, high = found.min(0), found.max(0)
    world = np.ix_(*[spacing * np.arange(n) for n in classes.shape])
    for axis, towards, odds, least, most in (
        (2, -1, 0.6, -25, 50), (2, 1, 0.2, -25, 15), (1, 1, 0.15, -15, 20), (1, -1, 0.15, -8, 15), (0, 1, 0.1, -5, 15),
        (0, -1, 0.1, -5, 15),
    ):  # fmt: skip
        if rng.random() < odds:
            normal = rng.normal(0, 0.06, 3)
            normal[axis] = towards
            edge = (high if towards > 0 else -low)[axis] + rng.uniform(least, most)
            middle = (low + high) / 2
            middle[axis] = 0
            along = sum(step * (place - about) for step, place, about in zip(normal, world, middle, strict=True))
            seen &= along < edge
    return seen


def thick_slices(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur an image along one axis as thick slices do, half of the time; what is exactly 0 stays so."""
    if rng.random() < 0.5:
        return image
    axis, sigma = int(rng.integers(3)), rng.uniform(0.3, 1.0)
    return np.where(image == 0, 0, ndimage.gaussian_filter1d(image, sigma, axis)).astype(np.float32)


def painted_place(heads: tuple[HeadMap, ...], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint one example on the network's grid.

    Parameters
    ----------
    heads : tuple of HeadMap
    rng : numpy.random.Generator

    Returns
    -------
    image : ndarray, (X, Y, Z), float32
    classes : ndarray, (X, Y, Z), uint8
        0 outside, 1 cerebrum, 2 cerebellum, 3 brainstem, as far as they are seen.
    """
    month = float(np.exp(rng.uniform(*np.log(MONTHS))))
    kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
    head = nearest_map(heads, month)
    size = (volume_at(heads, month) / head.volume) ** (1 / 3)
    return _painted(head, size, kind, partial(draw_means, month), rng)


def painted_neonate(head: HeadMap, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint a neonate's head, or bare brain, of any size likewise; as a T1w image of some age seven times of ten.

    Parameters and result are those of :func:`painted_place`, of one brain at term.
    """
    weeks, size = rng.uniform(*WEEKS), rng.uniform(*NEONATAL_SIZES)
    kind = KINDS[int(rng.random() < NEONATAL_STRIPPED)]

    def draw(rng: np.random.Generator) -> np.ndarray:
        return draw_contrast(weeks, rng).t1w if rng.random() < 0.7 else any_means(rng)

    return _painted(head, size, kind, draw, rng)


def _painted(
    head: HeadMap, size: float, kind: str, draw: Callable[[np.random.Generator], np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    around = head.cerebellum if kind == "cut-out" else head.centre
    pose = draw_pose(head, size, rng, around, SPREAD_MM[kind])
    grid = grid_around(np.zeros(3)).doubled()
    tissues, beyond = tissues_on(head, pose, grid.affine, grid.shape, rng)
    classes = _majority(CLASS_OF[tissues])
    mean = _pooled(draw(rng)[tissues])
    image = textured(mean, rng)
    if rng.random() < 0.5:
        image, classes, beyond = image[::-1], classes[::-1].copy(), beyond[::-1]
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    image = torch.as_tensor(change(torch.from_numpy(image.copy())[None])).clamp(min=0)[0].numpy()
    image = thick_slices(image, rng)
    if kind == "stripped":
        image = image * (rng.uniform(0, 4) + 0.5 - _pooled(beyond / np.float32(QUARTER)) / SPACING).clip(0, 1)
    elif kind == "cut-out":
        left = cut_out(classes, SPACING, rng)
        image, classes = image * left, classes * (left > 0.5)
    else:
        seen = seen_part(classes, SPACING, rng)
        image, classes = image * seen, classes * seen
    return image.astype(np.float32), classes


def _pooled(fine: np.ndarray) -> np.ndarray:
    """Mean of every eight voxels, float32."""
    return F.avg_pool3d(torch.from_numpy(np.ascontiguousarray(fine, np.float32))[None, None], 2)[0, 0].numpy()


def _majority(fine: np.ndarray) -> np.ndarray:
    """Most frequent class of every eight voxels, uint8."""
    return np.argmax([_pooled(fine == value) for value in range(4)], 0).astype(np.uint8)


class PlaceExamples(Stream):
    """Example ``k`` is what step ``k`` trains on: the same for the same seed, whoever asks, in any order.

    Items are (input (1, X, Y, Z) float32, labels (1, X, Y, Z) int64).
    """

    def __init__(self, heads: tuple[HeadMap, ...], recipe: Recipe) -> None:
        super().__init__(recipe)
        self.heads = heads

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        image, classes = painted_place(self.heads, rng)
        return place_input(image), torch.from_numpy(classes)[None].long()


class NeonatalPlaceExamples(Stream):
    """The same of neonates' heads, painted from one brain at term."""

    def __init__(self, head: HeadMap, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.head = head

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        image, classes = painted_neonate(self.head, rng)
        return place_input(image), torch.from_numpy(classes)[None].long()


def place_shares(heads: tuple[HeadMap, ...]) -> torch.Tensor:
    """Share of the grid's voxels that each class has in a whole head, (4,)."""
    counts = np.mean([np.bincount(CLASS_OF[head.tissues].ravel(), minlength=4)[1:] for head in heads], 0)
    shares = counts / (np.prod(SHAPE) * SPACING**3)
    return torch.tensor([1 - shares.sum(), *shares]).float()
