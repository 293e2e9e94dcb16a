"""The cascade of DeepCERES at 0.5 mm: which side, then which lobule, each the mean of two networks.

Morell-Ortega et al. 2025, sections 2.2 and 3.5. Both stages see T1w, T2w and a first guess: the subject's atlas, as in
the text, and with equal weight what the network at 1 mm says. It has seen hundreds of whole cerebella, for which
patches at 0.5 mm would take eight times as long. Unlike in the text, what the cascade answers is not the last word: the
labels are those of the mean with that network's answer (:func:`cerebbids.inference.opinions.averaged`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cerebbids.imaging.carving import N_SIDE
from cerebbids.inference.answer import Answer, most_likely
from cerebbids.inference.halves import finer, halved
from cerebbids.inference.opinions import agreement, where_likely
from cerebbids.inference.tiles import MULTIPLE, probabilities_of
from cerebbids.systems.grid import Grid

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

    Raises
    ------
    ArithmeticError
        A network's answer is no number (:func:`cerebbids.inference.device.ask`).
    RuntimeError
        The memory of a GPU is too small (:func:`cerebbids.errors.is_out_of_memory`).
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
        found.append(slice(start, start + length))
    return found[0], found[1], found[2]


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
