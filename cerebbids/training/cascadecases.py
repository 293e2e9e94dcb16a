"""The cases that the cascade's examples are cut of, read into memory in the view of one network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from cerebbids.errors import UsageError
from cerebbids.training.cascade import Cases
from cerebbids.training.extended import Shape, load_shapes
from cerebbids.training.finepatches import Stored
from cerebbids.training.priors import load_guess
from cerebbids.training.surroundings import load_surroundings
from cerebbids.training.views import View

Guess = Callable[[Path, str, str], np.ndarray]
"""Reads what a case's networks start from: :func:`load_guess`, or the atlas alone."""


def stored(work: Path, fold: str, case: str, view: View, guess: Guess = load_guess) -> Stored:
    """Read a case that ``cerebbids-train refine`` has made, with the guess that it has without a fold's people."""
    with np.load(Path(work) / "fine" / f"{case}.npz") as arrays:
        t1w, t2w, labels = (arrays[key] for key in ("t1w", "t2w", "compartments"))
        if "vermis" not in arrays:
            raise UsageError(f"fine/{case}.npz", "is of an older version", "remove it, and run cerebbids-train refine")
        seen = view.seen(labels, arrays["vermis"])
    return Stored(*map(torch.from_numpy, (t1w, t2w, seen, view.shares(guess(work, fold, case)))))


def onto(shape: Shape) -> torch.Tensor:
    """Displacement of a shape for the person as he is: where he was mirrored first, onto the target's mirror image."""
    if not shape.mirrored:
        return shape.displacement
    turned = shape.displacement.flip(2)
    return torch.cat([-turned[:, :1], turned[:, 1:]], 1)


def load_cascade(
    work: Path, fold: str, people: tuple[str, ...], around: tuple[str, ...], view: View, guess: Guess = load_guess
) -> Cases:  # fmt: skip
    """Read people, shapes and heads."""
    of_person: dict[int, tuple[torch.Tensor, ...]] = {}
    for shape in load_shapes(work, fold):
        place = people.index(shape.person)
        of_person[place] = (*of_person.get(place, ()), onto(shape))
    cases = tuple(stored(work, fold, person, view, guess) for person in people)
    return Cases(cases, of_person, load_surroundings(work, around))
