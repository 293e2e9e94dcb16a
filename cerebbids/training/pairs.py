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
from cerebbids.inference.t2w import rendered, standardised
from cerebbids.training.details import Folded, load_folded, patch_around
from cerebbids.training.loss import charbonnier
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream

T2_UNIT = 100.0
"""T2w brightness that a loss of 1 means."""
SIDE = 96
"""Voxels along each side of a patch."""
FAINT = 10.0
"""What is darker in a stripped T1w image is not brain."""
BARE = 0.3
"""Share of painted patches without a skull."""
MISSED_BY = (6.0, 5.0, 3.0)
"""How far fluid, grey and white matter may be beside their brightness: what the estimate of their means misses."""


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


def load_heads(work: Path, names: tuple[str, ...]) -> tuple[Anatomy, ...]:
    """Read the stored head maps ``names`` from ``<work>/heads``."""
    found = []
    for name in names:
        with np.load(Path(work) / "heads" / f"{name}.npz") as arrays:
            found.append(Anatomy(arrays["shares"], arrays["outside"]))
    return tuple(found)


def load_sources(work: Path, folded: tuple[str, ...], brains: tuple[str, ...], heads: tuple[str, ...]) -> Sources:
    """Read everything to make pairs of, below ``work``."""

    def box(name: str) -> np.ndarray:
        with np.load(Path(work) / "brains" / f"{name}.npz") as arrays:
            return arrays["box"]

    return Sources(load_heads(work, heads), load_folded(work, folded), tuple(map(box, brains)))


def t2w_loss(answer: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the T2w that an answer stands for is from a :class:`PairExamples` target, in parts of ``T2_UNIT``."""
    made = rendered(answer.float()) / T2_UNIT
    return charbonnier(made, torch.cat([target[:, :1] / T2_UNIT, target[:, 1:]], 1))


class PairExamples(Stream):
    """Item ``k`` is the same for the same seed, whoever asks, in any order.

    Items are (T1w (1, X, Y, Z) in the units of the network, target (2, X, Y, Z): the T2w, and 1 where it counts,
    inside the skull), float32.
    """

    def __init__(self, sources: Sources, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.sources = sources

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        t1w, t2w, inside = self._patch(rng)
        if rng.random() < 0.5:
            t1w, t2w, inside = (np.ascontiguousarray(volume[::-1]) for volume in (t1w, t2w, inside))
        seen = scanned(t1w, rng)
        target = np.stack([t2w, inside]).astype(np.float32)
        return torch.from_numpy(standardised(seen))[None], torch.from_numpy(target)

    def _patch(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """T1w, T2w and what lies inside the skull."""
        sources = self.sources
        if rng.random() < 0.3:
            brain = sources.brains[int(rng.integers(len(sources.brains)))]
            t1w = brain[patch_around(brain > FAINT, rng, SIDE)].astype(np.float32)
            shown = t1w > FAINT
            return t1w * shown, render_t2w(t1w, TARGETS), shown
        head = sources.heads[int(rng.integers(len(sources.heads)))]
        box = patch_around(head.shares.any(0), rng, SIDE // 2)
        anatomy = upsampled(Anatomy(head.shares[:, *box], head.outside[box]))
        if rng.random() < 0.6:
            anatomy = with_cerebellum(anatomy, part(sources.folded[int(rng.integers(len(sources.folded)))], box))
        return painted_pair(anatomy, BARE, rng)


def part(folded: Folded, box: tuple[slice, ...]) -> Folded:
    """Cut out of a folded cerebellum what a box of voxels twice as large covers."""
    fine = tuple(slice(2 * side.start, 2 * side.stop) for side in box)
    return Folded(folded.grey[fine], folded.white[fine], folded.hull[fine])


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


def painted_pair(anatomy: Anatomy, bare: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint both contrasts; tissues of the T1w miss their brightness a little, those of the T2w do not.

    Parameters
    ----------
    anatomy : Anatomy
        At 0.5 mm.
    bare : float
        Share of the T1w images that show nothing outside of the skull.
    rng : numpy.random.Generator

    Returns
    -------
    t1w, t2w : ndarray, (X, Y, Z), float32
        The T2w shows nothing of what is outside, which no label tells.
    inside : ndarray of bool, (X, Y, Z)
        What lies inside the skull.
    """
    means = np.array(TARGETS) + np.array(MISSED_BY) * rng.uniform(-1, 1, 3)
    inside = anatomy.shares.sum(0)
    colours = rng.uniform(0, 350, int(anatomy.outside.max()) + 1).astype(np.float32)
    colours[0] = 0
    beyond = (1 - inside) * colours[anatomy.outside]
    t1w = np.tensordot(means.astype(np.float32), anatomy.shares, 1) + beyond
    t2w = np.tensordot(np.array(T2W_MEANS, np.float32), anatomy.shares, 1)
    if rng.random() < bare:
        t1w = t1w * (inside > 0.5)
    return t1w, t2w, inside > 0.5


def scanned(t1w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is left of a painted or real T1w after scanner, denoising, normalisation and super-resolution.

    Noise is that of voxels of 1 mm, made finer, or of 0.5 mm.
    """
    blurred = ndimage.gaussian_filter(t1w, rng.uniform(0, 0.9))
    x, y, z = (np.linspace(-1, 1, n, dtype=np.float32) for n in t1w.shape)
    a, b, c = rng.uniform(-0.02, 0.02, 3).tolist()  # plain numbers, which leave float32 what it is
    field = 1 + a * x[:, None, None] + b * y[:, None] + c * z
    noisy = blurred + np.float32(rng.uniform(0, 15)) * _noise(t1w.shape, rng)
    return (noisy * field.astype(np.float32)).clip(0) * (blurred > 0)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        return rng.standard_normal(shape, np.float32)
    coarse = torch.from_numpy(rng.standard_normal([n // 2 for n in shape], np.float32))
    return F.interpolate(coarse[None, None], scale_factor=2, mode="trilinear")[0, 0].numpy()
