"""A network that has learnt from cubes, asked about a whole box at once, or about cubes all over it.

Where cubes overlap, answers are joined. The whole box takes a fraction of the time of many cubes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import torch
import torch.nn.functional as F

from cerebbids.inference.device import ask

AT_ONCE = 8
"""Cubes that are asked about together."""


def starts(size: int, side: int, stride: int) -> list[int]:
    """Where the cubes along an axis begin: every ``stride`` voxels, and at its very end.

    Examples
    --------
    >>> starts(50, 32, 8)
    [0, 8, 16, 18]
    """
    return sorted({*range(0, size - side, stride), size - side})


def cubes(shape: tuple[int, int, int], side: int, stride: int) -> Iterator[tuple[slice, slice, slice]]:
    """All cubes of a box (X, Y, Z) whose sides are no smaller than theirs, as slices of it."""
    for corner in product(*(starts(size, side, stride) for size in shape)):
        yield tuple(slice(first, first + side) for first in corner)


@torch.inference_mode()
def in_whole(net: torch.nn.Module, seen: torch.Tensor, multiple: int = 8) -> torch.Tensor:
    """Ask a network about a whole box.

    Parameters
    ----------
    net : Module
        In evaluation mode.
    seen : Tensor, (channels, X, Y, Z)
        On the network's device.
    multiple : int
        Sides are padded with zeros to multiples of it.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        Probabilities.
    """
    padded = F.pad(seen, [part for size in reversed(seen.shape[1:]) for part in (0, -size % multiple)])
    answer = ask(net, padded[None].contiguous(memory_format=torch.channels_last_3d))[0].softmax(0)
    return answer[:, *(slice(size) for size in seen.shape[1:])]


def both_ways(net: torch.nn.Module, seen: torch.Tensor) -> torch.Tensor:
    """Mean of what :func:`in_whole` says of a box and of its mirror image along X.

    Parameters
    ----------
    net : Module
        In evaluation mode. Its classes are the same on both sides.
    seen : Tensor, (channels, X, Y, Z)
        On the network's device.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        Probabilities, on the voxels of the box.
    """
    return (in_whole(net, seen) + in_whole(net, seen.flip(1)).flip(1)) / 2


@torch.inference_mode()
def in_cubes(
    net: Callable[[torch.Tensor], torch.Tensor], seen: torch.Tensor, side: int = 32, stride: int = 16
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ask a network about every cube of a box.

    Parameters
    ----------
    net : callable
        A network in evaluation mode, or what takes one answer out of its several.
    seen : Tensor, (channels, X, Y, Z)
        On the network's device. A box that is smaller than a cube is padded with zeros.
    side, stride : int
        Of the cubes, voxels; the released networks were asked with 32 and 8.

    Returns
    -------
    mean : Tensor, (classes, X, Y, Z), float32
        Mean probabilities of all cubes that hold a voxel.
    votes : Tensor, (classes, X, Y, Z), float32
        Shares of the cubes in which a class is the most likely one: its largest is the majority's.
    """
    lacking = [max(0, side - size) for size in seen.shape[1:]]
    padded = F.pad(seen, [part for size in reversed(lacking) for part in (0, size)])
    total, votes, counted = None, None, padded.new_zeros(padded.shape[1:])
    places = list(cubes(tuple(padded.shape[1:]), side, stride))
    for begin in range(0, len(places), AT_ONCE):
        some = places[begin : begin + AT_ONCE]
        batch = torch.stack([padded[:, *place] for place in some]).contiguous(memory_format=torch.channels_last_3d)
        answers = ask(net, batch).softmax(1)
        if total is None:
            total, votes = (answers.new_zeros((answers.shape[1], *padded.shape[1:])) for _ in range(2))
        for place, answer in zip(some, answers, strict=True):
            total[:, *place] += answer
            votes[:, *place] += F.one_hot(answer.argmax(0), len(answer)).movedim(-1, 0)
            counted[place] += 1
    inside = tuple(slice(size) for size in seen.shape[1:])
    return (total / counted)[:, *inside], (votes / counted)[:, *inside]
