"""The folder of a training run: what it trains, on whom, and how far it has come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cerebbids.errors import UsageError
from cerebbids.files import write_text
from cerebbids.training.kit import EVERYBODY
from cerebbids.training.recipe import CASCADE, TISSUES, Recipe

CHECKPOINT = "checkpoint.safetensors"
NOTES = "run.json"
OF_PEOPLE = ("lobules", "deform", *(recipe.net for recipe in (*CASCADE, *TISSUES)))
"""Networks that are trained on the people of the folds."""


@dataclass(frozen=True)
class Seen:
    """Everybody of whom the weights of a run have seen something.

    Parameters
    ----------
    people : tuple of str
        Labelled people.
    surroundings : tuple of str
        Heads and head maps around their brains.
    atlas : tuple of str
        Brains whose lobules made the labels, or people whose labels were carried to these.
    """

    people: tuple[str, ...]
    surroundings: tuple[str, ...] = ()
    atlas: tuple[str, ...] = ()


def run_folder(work: Path, net: str, fold: str) -> Path:
    """Folder of a run; only networks that see people of the folds are trained without some of them.

    Examples
    --------
    >>> run_folder(Path("w"), "lobules", "2").as_posix(), run_folder(Path("w"), "icv", "2").as_posix()
    ('w/runs/lobules/fold-2', 'w/runs/icv/all')
    """
    left_out = fold != EVERYBODY and net in OF_PEOPLE
    return work / "runs" / net / (f"fold-{fold}" if left_out else EVERYBODY)


def library_folder(work: Path, fold: str) -> Path:
    """Folder of the generated library without a fold's people.

    Examples
    --------
    >>> library_folder(Path("w"), "2").as_posix(), library_folder(Path("w"), "all").as_posix()
    ('w/libraries/fold-2', 'w/libraries/all')
    """
    return work / "libraries" / (EVERYBODY if fold == EVERYBODY else f"fold-{fold}")


def open_run(run: Path, recipe: Recipe, seen: Seen, resume: bool) -> Path:
    """Make or enter the folder of a run; return the path of its checkpoint.

    Raises
    ------
    UsageError
        The folder holds a run and ``resume`` is false, it was begun with another recipe or other people, or it does
        not tell.
    """
    run.mkdir(parents=True, exist_ok=True)
    saved, notes = run / CHECKPOINT, run / NOTES
    if saved.exists() and not resume:
        raise UsageError(str(saved), "is there", "go on with --resume, or remove the folder")
    if saved.exists() and not notes.exists():
        raise UsageError(str(saved), f"does not tell whom it has seen ({NOTES} is gone)", "remove the folder")
    if notes.exists() and read_notes(run) != (recipe, seen):
        raise UsageError(str(run), "was begun with another recipe or on other people", "remove the folder")
    write_text(notes, json.dumps({"recipe": asdict(recipe), "seen": asdict(seen)}, indent=1) + "\n")
    return saved


def read_notes(run: Path) -> tuple[Recipe, Seen]:
    """Recipe of a run, and whom it has seen."""

    def frozen(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: frozen(part) for key, part in value.items()}
        return tuple(value) if isinstance(value, list) else value

    told = json.loads((run / NOTES).read_text(encoding="utf-8"))
    recipe = frozen(told["recipe"])
    if recipe.get("method") == "sgd":
        recipe.setdefault("schedule", "tenths")  # the only one of SGD before there were several
    return Recipe(**recipe), Seen(**frozen(told["seen"]))


def check_unseen(run: Path, names: Iterable[str]) -> None:
    """Refuse a run that has seen who is tested on.

    Parameters
    ----------
    run : Path
    names : iterable of str
        People, or brains, that are tested on, as :class:`Seen` names them.

    Raises
    ------
    UsageError
        It has seen some of them, or their labels made its.
    """
    seen = read_notes(run)[1]
    if met := {*seen.people, *seen.surroundings, *seen.atlas} & {*names}:
        reason = f"has seen {', '.join(sorted(met))}, who are tested on"
        raise UsageError(str(run), reason, "remove the folder, and train without them")
