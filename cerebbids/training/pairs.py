"""T1w and T2w images of the same anatomy, painted from shares of tissues, to learn one contrast from the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.imaging.t2contrast import T2W_MEANS, render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.fine import z_scores
from cerebbids.inference.t2w import T2_UNIT
from cerebbids.training.details import Folded, load_folded
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream

OUTSIDE_T2 = 60.0
"""Brightness that anything outside the skull is given, as no label says more of it."""
FAINT = 10.0
"""What is darker in a stripped T1w image is not brain."""
OUTSIDE_WEIGHT = 0.1
"""How much voxels outside the skull count."""


@dataclass(frozen=True)
class Anatomy:
    """What is where on the cerebellum box: shares of fluid, grey, white (3, X, Y, Z), and ids of what is outside.

    Stored at 1 mm in parts of 255 (uint8), painted at 0.5 mm in parts of 1.
    """

    shares: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True)
class Sources:
    """What pairs are made of: heads, folded cerebella to set into them, real standard T1w brains (X, Y, Z)."""

    heads: tuple[Anatomy, ...]
    folded: tuple[Folded, ...]
    brains: tuple[np.ndarray, ...]


def load_sources(work: Path, folded: tuple[str, ...], brains: tuple[str, ...], heads: tuple[str, ...]) -> Sources:
    """Read everything to make pairs of, below ``work``."""

    def stored(folder: str, name: str, *keys: str) -> tuple[np.ndarray, ...]:
        with np.load(Path(work) / folder / f"{name}.npz") as arrays:
            return tuple(arrays[key] for key in keys)

    return Sources(
        tuple(Anatomy(*stored("heads", name, "shares", "outside")) for name in heads),
        load_folded(work, folded),
        tuple(stored("brains", name, "box")[0] for name in brains),
    )


class PairExamples(Stream):
    """Item ``k`` is the same for the same seed, whoever asks, in any order.

    Items are (T1w (1, X, Y, Z), target (2, X, Y, Z): what the T2w, in ``T2_UNIT``,
    has more than the T1w lets expect, and how much each voxel counts), float32.
    """

    def __init__(self, sources: Sources, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.sources = sources

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        t1w, t2w, inside = self._pair(rng)
        if rng.random() < 0.5:
            t1w, t2w, inside = (np.ascontiguousarray(volume[::-1]) for volume in (t1w, t2w, inside))
        weight = np.where(inside, 1.0, OUTSIDE_WEIGHT)
        seen = scanned(t1w, inside, rng)
        left_over = (t2w - render_t2w(seen, TARGETS)) / T2_UNIT
        target = torch.from_numpy(np.stack([left_over, weight]).astype(np.float32))
        mean, spread = z_scores(seen, inside)
        return torch.from_numpy((seen - mean) / spread)[None], target

    def _pair(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """T1w, T2w and what lies inside the skull."""
        sources = self.sources
        if rng.random() < 0.3:
            t1w = sources.brains[int(rng.integers(len(sources.brains)))].astype(np.float32)
            shown = t1w > FAINT
            return t1w * shown, (render_t2w(t1w, TARGETS) * shown).astype(np.float32), shown
        anatomy = upsampled(sources.heads[int(rng.integers(len(sources.heads)))])
        if rng.random() < 0.6:
            anatomy = with_cerebellum(anatomy, sources.folded[int(rng.integers(len(sources.folded)))])
        return painted_pair(anatomy, rng)


def upsampled(head: Anatomy) -> Anatomy:
    """Bring a stored head from 1 mm to 0.5 mm: shares linearly, ids by the nearest."""
    shares = F.interpolate(torch.from_numpy(head.shares)[None].float() / 255, scale_factor=2, mode="trilinear")[0]
    outside = head.outside.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    return Anatomy(shares.numpy(), outside)


def with_cerebellum(head: Anatomy, folded: Folded) -> Anatomy:
    """Put a folded cerebellum in the place of a head's own, which stays where the other does not reach."""
    grey, white = folded.grey / np.float32(255), folded.white / np.float32(255)
    own = np.stack([1 - grey - white, grey, white])
    return Anatomy(np.where(folded.hull, own, head.shares), np.where(folded.hull, 0, head.outside))


def painted_pair(anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint both contrasts; tissues of the T1w miss their brightness a little, those of the T2w do not.

    Returns
    -------
    t1w, t2w : ndarray, (X, Y, Z), float32
    inside : ndarray of bool, (X, Y, Z)
        What lies inside the skull.
    """
    means = np.array(TARGETS) + np.array([30, 20, 15]) * rng.uniform(-1, 1, 3)
    inside = anatomy.shares.sum(0)
    colours = rng.uniform(0, 350, int(anatomy.outside.max()) + 1).astype(np.float32)
    colours[0] = 0
    beyond = (1 - inside) * colours[anatomy.outside]
    t1w = np.tensordot(means.astype(np.float32), anatomy.shares, 1) + beyond
    t2w = np.tensordot(np.array(T2W_MEANS, np.float32), anatomy.shares, 1)
    t2w += (1 - inside) * OUTSIDE_T2 * (anatomy.outside > 0)
    if rng.random() < 0.3:  # stripped
        t1w, t2w = t1w * (inside > 0.5), t2w * (inside > 0.5)
    return t1w, t2w, inside > 0.5


def scanned(t1w: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is left of a painted or real T1w after scanner, denoising, normalisation and super-resolution."""
    blurred = ndimage.gaussian_filter(t1w, rng.uniform(0, 0.9))
    x, y, z = (np.linspace(-1, 1, n, dtype=np.float32) for n in t1w.shape)
    a, b, c = rng.uniform(-0.06, 0.06, 3).tolist()  # plain numbers, which leave float32 what it is
    field = 1 + a * x[:, None, None] + b * y[:, None] + c * z
    noise = torch.from_numpy(rng.standard_normal([n // 2 for n in t1w.shape], np.float32))
    grown = F.interpolate(noise[None, None], scale_factor=2, mode="trilinear")[0, 0].numpy()
    return ((blurred + np.float32(rng.uniform(0, 15)) * grown) * field.astype(np.float32)).clip(0) * (blurred > 0)
