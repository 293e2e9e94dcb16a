"""Where the training images lie, who is in them and which fold each person belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

N_FOLDS = 5
EVERYBODY = "all"
FOLDS = (EVERYBODY, *map(str, range(N_FOLDS)))
"""What may be left out of a training: nobody, or a fold's people."""
HELD_BACK = ("chris", "ds011_sub-01", "ds011_sub-04")
"""Heads that ``benchmarks/wrappings.py`` asks about; no weights see anything of them."""
OLDER = 30
"""Age from which a person counts as older when people are dealt to the folds, years."""


@dataclass(frozen=True)
class Person:
    """A labelled adult of the OASIS / Neuromorphometrics set."""

    id: str
    age: float
    fold: int
    t1w: Path
    dseg: Path


def deal_folds(ages: dict[str, float]) -> dict[str, int]:
    """Deal people to folds so that the older ones are spread as evenly as can be.

    Parameters
    ----------
    ages : dict
        Person -> age in years.

    Returns
    -------
    dict
        Person -> fold, 0 to ``N_FOLDS`` - 1.

    Examples
    --------
    >>> deal_folds({"a": 20, "b": 21, "c": 70, "d": 80})
    {'c': 0, 'd': 1, 'a': 2, 'b': 3}
    """
    older = sorted((age, person) for person, age in ages.items() if age >= OLDER)
    younger = sorted(person for person, age in ages.items() if age < OLDER)
    order = [person for _, person in older] + younger
    return {person: place % N_FOLDS for place, person in enumerate(order)}


def oasis_people(kit: Path) -> tuple[Person, ...]:
    """List the labelled adults of ``<kit>/adult/oasis`` in the order of their ids.

    Raises
    ------
    FileNotFoundError
        The folder has no ``participants.tsv``.
    """
    folder = Path(kit) / "adult" / "oasis"
    table = pd.read_csv(folder / "participants.tsv", sep="\t", dtype={"id": str})
    ages = dict(zip(table["id"], table["age"].astype(float), strict=True))
    folds = deal_folds(ages)
    return tuple(
        Person(i, ages[i], folds[i], folder / f"{i}_T1w.nii.gz", folder / f"{i}_dseg.nii.gz") for i in sorted(ages)
    )


def surrounding_heads(kit: Path) -> tuple[Path, ...]:
    """Full heads of ``<kit>/adult/heads`` into which stripped training brains may be set."""
    heads = sorted((Path(kit) / "adult" / "heads").glob("*_T1w.nii.gz"))
    return tuple(path for path in heads if not path.name.startswith(HELD_BACK))


def head_maps(kit: Path) -> tuple[Path, ...]:
    """Label maps of whole heads in ``<kit>/adult/headmaps``, to be painted around training brains."""
    return tuple(sorted((Path(kit) / "adult" / "headmaps").glob("*.nii.gz")))


def stripped_brains(kit: Path) -> tuple[Path, ...]:
    """Unlabelled brains of ``<kit>/adult/brains``."""
    return tuple(sorted((Path(kit) / "adult" / "brains").glob("*_T1w.nii.gz")))


def bare_name(path: Path) -> str:
    """Name of a file without its extensions.

    Examples
    --------
    >>> bare_name(Path("heads/chris_T1w.nii.gz"))
    'chris_T1w'
    """
    return path.name.split(".")[0]


def surrounding_names(kit: Path) -> tuple[str, ...]:
    """Names of all heads and head maps that training brains may be set into."""
    return tuple(sorted(bare_name(path) for path in (*surrounding_heads(kit), *head_maps(kit))))
