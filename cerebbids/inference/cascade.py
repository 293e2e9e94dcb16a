"""The cascade of DeepCERES at 0.5 mm: which side, then which lobule, each the mean of two networks.

Morell-Ortega et al. 2025, sections 2.2 and 3.5. Both stages see T1w, T2w and a first guess: the subject's atlas, as in
the text, and with equal weight what the network at 1 mm says. It has seen whole heads hundreds of times over, for which
patches at 0.5 mm would take eight times as long. What the cascade answers is, unlike the text's, not the last word: the
labels are those of the mean with that network's answer (:func:`with_quick`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.resample import moved_up
from cerebbids.inference.answer import Answer, most_likely
from cerebbids.inference.tiles import MULTIPLE, probabilities_of
from cerebbids.systems.grid import CEREBELLUM_1MM, Grid

LIKELY = 0.5
"""Share of the guess from which a voxel is taken for cerebellum, this share too: one of two opinions is enough."""
MARGIN = 12
"""Voxels around all of these where networks look."""
T1_SCALE, T2_SCALE = (150.0, 60.0), (150.0, 100.0)
"""Brightness that networks see as 0, and by how much more they see 1."""
MIDPLANE = 20.0
"""Distance from the midplane, mm, that networks see as 1; twice that is seen of all that lies farther."""
SIDE_CLASSES = ("background", "left hemisphere", "right hemisphere", "left vermis", "right vermis")
"""Classes of the first stage."""
SIDES_MIRROR = (0, 2, 1, 4, 3)
"""Class that each of them becomes when left and right are swapped."""


@dataclass(frozen=True)
class Cascade:
    """Networks of both stages, whose answers are averaged."""

    sides: tuple[torch.nn.Module, ...]
    lobules: tuple[torch.nn.Module, ...]


@dataclass(frozen=True)
class Stage:
    """What the networks of one stage say.

    ``mean``: class probabilities (classes, X, Y, Z), float32; ``each``: most likely class (X, Y, Z), uint8, of every
    network alone. On the networks' device and on the CPU.
    """

    mean: torch.Tensor
    each: tuple[torch.Tensor, ...]


def segment_cascade(
    cascade: Cascade, t1w: np.ndarray, t2w: np.ndarray, guess: torch.Tensor, grid: Grid, device: torch.device,
    *, flip: bool = False,
) -> Answer:  # fmt: skip
    """Name the lobules of a cerebellum at 0.5 mm, in the part of the grid where it is guessed to be.

    Parameters
    ----------
    cascade : Cascade
    t1w, t2w : ndarray, (X, Y, Z)
        Tissues at fixed brightness.
    guess : Tensor, (27, X / 2, Y / 2, Z / 2)
        Shares of all labels; somewhere a cerebellum is likely (:func:`where_likely`).
    grid : Grid
        Of the images.
    device : torch.device
        Of the networks.
    flip : bool
        Whether to ask about the mirror image, too, and take the mean.
    """
    box = box_around(where_likely(guess))
    shares = guess[:, *halved(box)]
    left, right = shares[1 : N_SIDE + 1], shares[N_SIDE + 1 :]
    images = [torch.from_numpy(np.ascontiguousarray(image[box], np.float32)) for image in (t1w, t2w)]
    part = grid.part(box)
    across = part.origin[0] + part.spacing * torch.arange(part.shape[0])
    midplane = from_midplane(across)[:, None, None].expand(part.shape)
    both = cascade_input(*images, finer(torch.stack([left.sum(0), right.sum(0)])), midplane=midplane)
    sides = ask(cascade.sides, both.to(device), (0, 1, 3, 2, 4), SIDES_MIRROR, flip)
    one = cascade_input(*images, finer(left + right), shown=(most_likely(sides.mean) > 0).cpu())
    lobules = ask(cascade.lobules, one.to(device), tuple(range(len(one))), tuple(range(N_SIDE + 1)), flip)
    found = joined(sides.mean, lobules.mean).cpu()
    vermis = (sides.mean[3:].sum(0) / sides.mean[1:].sum(0).clamp(min=1e-6)).half().cpu()
    return Answer(found, part, vermis, agreement(sides.each, lobules.each))


def likeness(answer: Answer, atlas: torch.Tensor, grid: Grid) -> float:
    """Mean Dice of the labels of an answer on a part of a grid, and those most voted for in an atlas.

    What the atlas has beyond that part counts as missed: the networks look only where the guess told them to.

    Parameters
    ----------
    answer : Answer
    atlas : Tensor, (27, X / 2, Y / 2, Z / 2)
        Shares of the votes.
    grid : Grid
        Twice as fine as that of the atlas.
    """
    voted = F.interpolate(most_likely(atlas)[None, None].to(torch.uint8), scale_factor=2)[0, 0]
    found = torch.zeros_like(voted)
    found[grid.box_of(answer.grid)] = most_likely(answer.probabilities).to(torch.uint8)
    return mean_dice(found, voted, len(atlas))


def with_quick(answer: Answer, quick: np.ndarray, grid: Grid) -> Answer:
    """Mean of the cascade's answer and that of the network at 1 mm.

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
    # Label by label: all of them as float32 would take half a gigabyte more.
    mean = [
        ((own.float() + finer(other[None])[0]) / 2).half()
        for own, other in zip(answer.probabilities, parts, strict=True)
    ]
    return replace(answer, probabilities=torch.stack(mean))


def halved(box: Sequence[slice]) -> tuple[slice, ...]:
    """Box of a grid, in the voxels of one half as fine; starts and ends are even."""
    return tuple(slice(side.start // 2, side.stop // 2) for side in box)


def finer(shares: torch.Tensor) -> torch.Tensor:
    """Shares (C, X, Y, Z) in voxels half as large, between those that there were."""
    return F.interpolate(shares[None].float(), scale_factor=2, mode="trilinear", align_corners=False)[0]


def where_likely(guess: torch.Tensor) -> torch.Tensor:
    """Voxels (X, Y, Z) that a guess (classes, X, Y, Z) takes for cerebellum.

    Examples
    --------
    >>> where_likely(torch.tensor([[0.25, 0.5, 0.75], [0.75, 0.5, 0.25]])).tolist()
    [True, True, False]
    """
    return guess[0] <= 1 - LIKELY


def box_around(where: torch.Tensor) -> tuple[slice, slice, slice]:
    """Box of a grid twice as fine around true voxels (X, Y, Z), with a margin, its sides multiples of ``MULTIPLE``.

    One voxel has to be true, at least.
    """
    found = []
    for axis, size in enumerate(where.shape):
        others = [other for other in range(3) if other != axis]
        places = torch.nonzero(where.any(others[1]).any(others[0]))[:, 0]
        low, high = 2 * int(places.min()) - MARGIN, 2 * int(places.max()) + 2 + MARGIN
        length = min(-(-(high - low) // MULTIPLE) * MULTIPLE, 2 * size)
        start = min(max(0, low), 2 * size - length)
        found.append(slice(start - start % 2, start - start % 2 + length))
    return found[0], found[1], found[2]


def on_fine_half(shares: torch.Tensor, grid: Grid) -> np.ndarray:
    """Bring shares (classes, X, Y, Z) from ``CEREBELLUM_1MM`` to a grid of its shape, as parts of 255 (uint8)."""
    parts = (255 * shares).round().to(torch.uint8).numpy()
    moved = np.stack([moved_up(part, CEREBELLUM_1MM, grid) for part in parts])
    moved[0][moved.max(0) == 0] = 255  # beyond the other grid
    return moved


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


def from_midplane(x: torch.Tensor) -> torch.Tensor:
    """Distance of places x (mm) in the working space from its midplane, as networks see it.

    It tells them of the vermis, which is no wider in anybody's image than by convention, and no brighter.

    Examples
    --------
    >>> from_midplane(torch.tensor([-90.0, -10.0, 10.0]))
    tensor([2.0000, 0.5000, 0.5000])
    """
    return (x.abs() / MIDPLANE).clamp(max=2)


def cascade_input(
    t1w: torch.Tensor, t2w: torch.Tensor, guess: torch.Tensor, *,
    shown: torch.Tensor | None = None, midplane: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """Stack images, tissues at fixed brightness, and the guess, as the networks of the cascade see them.

    Parameters
    ----------
    t1w, t2w : Tensor, (X, Y, Z)
    guess : Tensor, (shares, X, Y, Z)
    shown : Tensor of bool, (X, Y, Z), optional
        Nothing is seen elsewhere.
    midplane : Tensor, (X, Y, Z), optional
        From :func:`from_midplane`.
    """
    scaled = []
    for image, (mean, spread) in ((t1w, T1_SCALE), (t2w, T2_SCALE)):
        seen = image if shown is None else image * shown
        scaled.append(((seen - mean) / spread).clamp(-4, 4))
    return torch.cat([torch.stack(scaled), guess, *([] if midplane is None else [midplane[None]])])


def ask(
    nets: Sequence[torch.nn.Module], seen: torch.Tensor, channels: Sequence[int], classes: Sequence[int], flip: bool
) -> Stage:
    """Ask the networks of one stage.

    Parameters
    ----------
    nets : sequence of Module
    seen : Tensor, (channels, X, Y, Z)
    channels, classes : sequence of int
        Place of each input channel, and of each class, in the mirror image.
    flip : bool
        Whether to ask about the mirror image, too.
    """
    total, each = 0, []
    for net in nets:
        answer = probabilities_of(net, seen)
        if flip:
            answer = (answer + probabilities_of(net, seen[list(channels)].flip(1))[list(classes)].flip(1)) / 2
        total = total + answer
        each.append(most_likely(answer).to(torch.uint8).cpu())
    return Stage(total / len(nets), tuple(each))


def joined(sides: torch.Tensor, lobules: torch.Tensor) -> torch.Tensor:
    """Probabilities of all labels: those of the sides, each shared out among its lobules.

    Parameters
    ----------
    sides : Tensor, (5, X, Y, Z)
        As ``SIDE_CLASSES``.
    lobules : Tensor, (14, X, Y, Z)
        Background, twelve lobules, white matter.

    Returns
    -------
    Tensor, (27, X, Y, Z), float16
        No float32, of which it would take a gigabyte.

    Examples
    --------
    >>> sides = torch.tensor([0.25, 0.5, 0.0, 0.25, 0.0]).reshape(5, 1, 1, 1)
    >>> lobules = torch.tensor([0.5, 0.375, *[0.0] * 11, 0.125]).reshape(14, 1, 1, 1)
    >>> joined(sides, lobules).flatten()[[0, 1, 13, 14]].tolist()
    [0.25, 0.5625, 0.1875, 0.0]
    """
    found = sides.new_empty((2 * N_SIDE + 1, *sides.shape[1:]), dtype=torch.float16)
    found[0] = sides[0]
    named = lobules[1:].sum(0).clamp(min=1e-6)
    left, right = (sides[1] + sides[3]) / named, (sides[2] + sides[4]) / named
    for place in range(1, N_SIDE + 1):
        found[place] = left * lobules[place]
        found[N_SIDE + place] = right * lobules[place]
    return found


def agreement(sides: Sequence[torch.Tensor], lobules: Sequence[torch.Tensor]) -> float | None:
    """Mean Dice over all labels, and over pairs of networks, of what each network says alone; none of one network."""
    side_of = torch.tensor([0, 1, 2, 1, 2], dtype=torch.uint8)
    maps = []
    for halves, named in zip(sides, lobules, strict=True):
        side = side_of[halves.int()]
        maps.append(torch.where(side > 0, named + N_SIDE * (side == 2) * (named > 0), 0))
    found = [mean_dice(a, b, 2 * N_SIDE + 1) for a, b in combinations(maps, 2)]
    return float(np.mean(found)) if found else None


def mean_dice(a: torch.Tensor, b: torch.Tensor, classes: int) -> float:
    """Mean Dice of two label maps over the classes after the background that either has.

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
    return float((overlaps / sizes.clamp(min=1))[sizes > 0].mean())
