"""The training set at 0.5 mm: labelled originals, and others of more shapes, half and half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cerebbids.data.labels import load_scheme
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.exemplars import random_displacement
from cerebbids.training.extended import Shape, load_shapes
from cerebbids.training.finecases import FineCase, deformed, load_person, mirrored
from cerebbids.training.painted import LabelledFolding, load_empty_heads, load_labelled, painted_case
from cerebbids.training.pairs import Anatomy
from cerebbids.training.tasks import COBRALAB, painted_heads, people_but

EXTENDED = 0.5
"""Share of the examples that come from the extended set (section 2.4)."""
RANDOM = 0.5
"""Share of those whose shape is nobody's."""


@dataclass(frozen=True)
class FineSet:
    """What examples are drawn from.

    Parameters
    ----------
    work : Path
        Where the people's images lie; they are read when drawn.
    people : tuple of str
    foldings : tuple of LabelledFolding
        Painted into ``heads``.
    heads : tuple of Anatomy
    shapes : tuple of Shape
        Of ``people`` alone.
    mirror : tuple of int
        Channel that each channel becomes when left and right are swapped.
    """

    work: Path
    people: tuple[str, ...]
    foldings: tuple[LabelledFolding, ...]
    heads: tuple[Anatomy, ...]
    shapes: tuple[Shape, ...]
    mirror: tuple[int, ...]

    def __post_init__(self) -> None:
        if others := {shape.person for shape in self.shapes} - set(self.people):
            raise ValueError(f"shapes of people who are not in the set: {', '.join(sorted(others))}")


def load_fine_set(kit: Path, work: Path, fold: str) -> FineSet:
    """Everybody but a fold's people, and what was painted or deformed of others."""
    scheme = load_scheme(DEEPCERES.scheme)
    heads, foldings = load_empty_heads(work, painted_heads(kit)), load_labelled(work, COBRALAB)
    return FineSet(work, people_but(kit, fold), foldings, heads, load_shapes(work, fold), scheme.mirror)


def draw_case(fine: FineSet, rng: np.random.Generator) -> FineCase:
    """Draw one case, mirrored or not."""
    case = _extended(fine, rng) if rng.random() < EXTENDED else _original(fine, rng)
    return mirrored(case, np.array(fine.mirror, np.uint8)) if rng.random() < 0.5 else case


def _original(fine: FineSet, rng: np.random.Generator) -> FineCase:
    place = int(rng.integers(len(fine.people) + len(fine.foldings)))
    if place < len(fine.people):
        return load_person(fine.work, fine.people[place])
    head = fine.heads[int(rng.integers(len(fine.heads)))]
    return painted_case(fine.foldings[place - len(fine.people)], head, rng)


def _extended(fine: FineSet, rng: np.random.Generator) -> FineCase:
    if rng.random() < RANDOM:
        case = load_person(fine.work, fine.people[int(rng.integers(len(fine.people)))])
        return deformed(case, random_displacement(tuple(side // 4 for side in case.labels.shape), rng))
    shape = fine.shapes[int(rng.integers(len(fine.shapes)))]
    case = load_person(fine.work, shape.person)
    source = mirrored(case, np.array(fine.mirror, np.uint8)) if shape.mirrored else case
    return deformed(source, shape.displacement)
