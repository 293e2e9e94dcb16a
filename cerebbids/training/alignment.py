"""Pairs of people to learn registration from, and how well a displacement brings one onto the other."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.inference.inputs import standardise
from cerebbids.nets.displacement import doubled, warp
from cerebbids.nets.similarity import local_correlation, slope_energy
from cerebbids.nets.strides import decompose
from cerebbids.training.augmentation import Case, scanner
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream
from cerebbids.training.surroundings import Surroundings, embed

WINDOW = 7
"""Voxels along each side of the cubes in which brightness has to agree."""
NEAR = 4
"""Voxels around the cerebellum where images count, too."""
STIFFNESS = 1.0
"""Weight of the displacement's slopes."""


class PairedPeople(Stream):
    """Item ``k`` is the same for the same seed, whoever asks, in any order.

    Items are (fixed and moving T1w (2, X, Y, Z), target (5, X, Y, Z)), float32. The target is both T1w images before
    scanner and surroundings were varied, where the fixed one counts, and the labels of both.
    """

    def __init__(
        self, cases: tuple[Case, ...], around: tuple[Surroundings, ...], mirror: tuple[int, ...], recipe: Recipe
    ) -> None:
        super().__init__(recipe)
        self.cases, self.around, self.mirror = cases, around, np.array(mirror, np.uint8)

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw two people, either of them mirrored or not; the fixed one is in a head half of the time."""
        (fixed, named), (moving, names) = self._person(rng), self._person(rng)
        seen = fixed
        if rng.random() < 0.5:
            seen = embed(fixed, self.around[int(rng.integers(len(self.around)))], rng)
        pair = torch.stack([standardise(varied(seen, rng)), standardise(varied(moving, rng))])
        clean = [standardise(torch.from_numpy(image)) for image in (fixed, moving)]
        near = ndimage.binary_dilation(named > 0, iterations=NEAR)
        rest = [torch.from_numpy(volume.astype(np.float32)) for volume in (near, named, names)]
        return pair, torch.stack([*clean, *rest])

    def _person(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        case = self.cases[int(rng.integers(len(self.cases)))]
        if rng.random() < 0.5:
            return case.t1w, case.labels
        return np.ascontiguousarray(case.t1w[::-1]), self.mirror[case.labels[::-1]]


def varied(t1w: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Image (X, Y, Z) as another scanner would show it."""
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    return torch.as_tensor(change(torch.from_numpy(t1w)[None]))[0].clamp(min=0)


def alignment_loss(displacements: torch.Tensor, target: torch.Tensor, classes: int) -> torch.Tensor:
    """Mean over passes of image dissimilarity, label disagreement and roughness.

    Image: the squared local correlation, at full resolution after the last pass and at half before. Labels: soft Dice
    of all but the background at half resolution. Roughness: squared slopes of the displacement.

    Parameters
    ----------
    displacements : Tensor, (passes, N, 3, D, H, W)
        As :class:`cerebbids.nets.deform.DeformNet` gives them.
    target : Tensor, (N, 5, 2D, 2H, 2W)
        As :class:`PairedPeople` gives it.
    classes : int
        Labels and background.
    """
    fixed, moving, near, named, names = target.split(1, 1)
    shares = [half_shares(labels.long(), classes) for labels in (named, names)]
    halves = [F.avg_pool3d(volume, 2) for volume in (fixed, moving, near)]
    total = displacements.new_zeros(())
    for place, displacement in enumerate(displacements):
        if place == len(displacements) - 1:
            alike = local_correlation(fixed, warp(moving, doubled(displacement)), WINDOW, near)
        else:
            alike = local_correlation(halves[0], warp(halves[1], displacement), WINDOW, halves[2])
        disagreement = 1 - soft_dice(shares[0], warp(shares[1], displacement))
        total = total - alike + disagreement + STIFFNESS * slope_energy(displacement)
    return total / len(displacements)


def half_shares(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Share of each class in every cube of 2 x 2 x 2 voxels.

    Parameters
    ----------
    labels : Tensor, (N, 1, 2D, 2H, 2W), int64
    classes : int

    Returns
    -------
    Tensor, (N, classes, D, H, W), float32

    Examples
    --------
    >>> half_shares(torch.tensor([0, 0, 0, 0, 0, 1, 1, 2]).reshape(1, 1, 2, 2, 2), 3).flatten()
    tensor([0.6250, 0.2500, 0.1250])
    """
    strided = decompose(labels)
    shares = torch.zeros(len(labels), classes, *strided.shape[2:], device=labels.device)
    return shares.scatter_add_(1, strided, torch.full_like(strided, 1 / 8, dtype=shares.dtype))


def soft_dice(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean Dice of the classes (N, classes, D, H, W) but the first; of an absent one it is 0."""
    axes = (0, 2, 3, 4)
    return (2 * (a * b).sum(axes) / (a + b).sum(axes).clamp(min=1e-3))[1:].mean()
