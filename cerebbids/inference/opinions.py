"""What atlas and networks say of a cerebellum: put together, and held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.imaging.carving import N_SIDE
from cerebbids.inference.answer import Answer, most_likely
from cerebbids.inference.halves import finer, halved
from cerebbids.systems.grid import Grid

LIKELY = 0.5
"""Share of the guess from which a voxel is taken for cerebellum, this share too: one of two opinions is enough."""


def first_guess(atlas: np.ndarray, quick: np.ndarray) -> np.ndarray:
    """Mean of an atlas and the answer of the network at 1 mm, (classes, X, Y, Z) parts of 255 (uint8).

    Rounded down, so that a background of which one is sure and of which the other sees nothing is no more than half:
    :func:`where_likely` takes such a voxel for cerebellum.

    Examples
    --------
    >>> first_guess(np.array([200, 55], np.uint8), np.array([100, 155], np.uint8)).tolist()
    [150, 105]
    """
    return ((atlas.astype(np.uint16) + quick) // 2).astype(np.uint8)


def where_likely(guess: torch.Tensor) -> torch.Tensor:
    """Voxels (X, Y, Z) that a guess (classes, X, Y, Z) takes for cerebellum.

    Examples
    --------
    >>> where_likely(torch.tensor([[0.25, 0.5, 0.75], [0.75, 0.5, 0.25]])).tolist()
    [True, True, False]
    """
    return guess[0] <= 1 - LIKELY


def averaged(answer: Answer, quick: np.ndarray, grid: Grid) -> Answer:
    """Mean of the cascade's answer and that of the network at 1 mm; how much they agree.

    The one names lobules better, the other, which has seen more of heads, knows better where a cerebellum ends.

    Parameters
    ----------
    answer : Answer
        On a part of ``grid``.
    quick : ndarray, (27, X / 2, Y / 2, Z / 2), uint8
        Parts of 255, over the same field of view as ``grid``.
    grid : Grid
    """
    parts = torch.from_numpy(quick[:, *halved(grid.box_of(answer.grid))]).float()
    parts /= parts.sum(0)  # rounding took some
    mean = torch.empty_like(answer.probabilities)
    for label, (own, other) in enumerate(zip(answer.probabilities, parts, strict=True)):
        mean[label] = (own.float() + finer(other[None])[0]) / 2  # all labels at once would take a gigabyte more
    return replace(answer, probabilities=mean, with_quick=likeness(answer, torch.from_numpy(quick), grid))


def likeness(answer: Answer, other: torch.Tensor, grid: Grid) -> float:
    """Mean Dice of the labels of an answer on a part of a grid, and those of an atlas or of another network.

    What these have beyond that part counts as missed: the cascade looks only where the guess told it to.

    Parameters
    ----------
    answer : Answer
    other : Tensor, (27, X / 2, Y / 2, Z / 2)
        Shares of the votes, or probabilities.
    grid : Grid
        Twice as fine as that of the other.
    """
    others = F.interpolate(most_likely(other)[None, None].to(torch.uint8), scale_factor=2)[0, 0]
    found = torch.zeros_like(others)
    found[grid.box_of(answer.grid)] = most_likely(answer.probabilities).to(torch.uint8)
    return mean_dice(found, others, len(other))


def agreement(sides: Sequence[torch.Tensor], lobules: Sequence[torch.Tensor]) -> float | None:
    """How far the networks of a cascade agree, each of them asked alone.

    Parameters
    ----------
    sides : sequence of Tensor, (X, Y, Z)
        What each network of the first stage says: 0 background, 1 left, 2 right, 3 and 4 the halves of the vermis.
    lobules : sequence of Tensor, (X, Y, Z)
        What the network of the same kind of the second stage says: 0 background, 1 to 12 lobules, 13 white matter.

    Returns
    -------
    float or None
        Mean Dice over all labels, and over pairs of kinds; none of one kind.
    """
    side_of = torch.tensor([0, 1, 2, 1, 2], dtype=torch.uint8)
    maps = []
    for halves, named in zip(sides, lobules, strict=True):
        side = side_of[halves.int()]
        maps.append(torch.where(side > 0, named + N_SIDE * (side == 2) * (named > 0), 0))
    found = [mean_dice(a, b, 2 * N_SIDE + 1) for a, b in combinations(maps, 2)]
    return float(np.mean(found)) if found else None


def mean_dice(a: torch.Tensor, b: torch.Tensor, classes: int) -> float:
    """Mean Dice of two label maps over the classes after the background that either has; 0 where neither has any.

    Examples
    --------
    >>> mean_dice(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2]), 4)
    0.6666666865348816
    """
    counts = (
        torch.bincount(classes * a.flatten().long() + b.flatten().long(), minlength=classes**2)
        .reshape(classes, classes)
        .float()
    )
    sizes = (counts.sum(0) + counts.sum(1))[1:]
    overlaps = 2 * counts.diagonal()[1:]
    return float((overlaps / sizes.clamp(min=1))[sizes > 0].mean()) if sizes.any() else 0.0
