"""Accuracy of library and vote alone, leave-people-out, with generated exemplars and with real people.

Usage: python benchmarks/atlas.py KIT WORK OUT [--fold K ...]

For every person of the kit's ``adult/oasis`` the atlas is made by the registration network of the fold that never saw
this person, from a library without the fold's people: the generated exemplars (``cerebbids-train exemplars KIT WORK
--fold K``), and the people themselves. Labels are brought to the native grid, as the app does, and compared with the
manual ones; lobules are compared on the 1 mm grid with the labels that the label factory made for the person, which
are no manual truth. Writes ``OUT/atlas.tsv``, a row a person and library, and ``OUT/atlas_members.tsv`` and ``.svg``,
the lobules' Dice over the number of voting members for one person of each fold; prints means, SD and worst cases.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from card import LIBRARIES, atlases
from crossvalidate import check_unseen, read_options, scores, updated
from tqdm import tqdm

from cerebbids.data.labels import load_scheme
from cerebbids.inference.answer import keep_largest
from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import Library, read_library, write_library
from cerebbids.inference.prior import add_votes, most_similar, warped_members
from cerebbids.inference.segment import crop_t1w, labels_on_grid
from cerebbids.reports.charts import chart
from cerebbids.systems.deepceres import DEEPCERES, VOTERS
from cerebbids.training.data import load_cases
from cerebbids.training.generated import build_exemplars
from cerebbids.training.kit import Person, oasis_people
from cerebbids.training.ownlibrary import BRIGHT
from cerebbids.training.prepare import native_t1w
from cerebbids.training.run import library_folder, read_notes, run_folder
from cerebbids.training.sources import people_but
from cerebbids.training.trained import trained_net

MOST = 30
"""Members of the largest vote, of the first person of each fold; of the others no more vote than in use."""
GRID = DEEPCERES.grids["deform"]
SCHEME = load_scheme(DEEPCERES.scheme)
LOBULES = [channel for channel, label in enumerate(SCHEME.labels, 1) if label.tissue == "GM"]


def fold_registration(work: Path, fold: int, people: list[Person]) -> torch.nn.Module:
    """Registration network that never saw the people of a fold.

    Raises
    ------
    SystemExit
        It has seen one of them.
    """
    run = run_folder(work, "deform", str(fold))
    _, seen = read_notes(run)
    check_unseen(people, seen.people)
    return trained_net(run)


def real_library(kit: Path, work: Path, fold: int) -> Path:
    """Write a library of the people themselves, but for the fold's; return its folder."""
    people = people_but(kit, str(fold))
    cases = load_cases(work, people)
    images = [np.rint(case.t1w * BRIGHT).clip(0, 255).astype(np.uint8) for case in cases]
    folder, sources = work / "libraries" / f"real-{fold}", [f"OASIS-{person}" for person in people]
    labels = [case.labels for case in cases]
    write_library(folder, images, labels, GRID, SCHEME, sources=sources, licence="CC BY-NC", made="people themselves")
    return folder


def lobule_dice(votes: torch.Tensor, truth: np.ndarray) -> float:
    """Mean Dice of the lobules, left and right."""
    classes = len(votes)
    pairs = classes * votes.argmax(0).numpy().ravel() + truth.ravel()
    both = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    overlaps = 2 * both.diagonal() / (both.sum(0) + both.sum(1))
    return float(overlaps[LOBULES].mean())


def score_person(
    net: torch.nn.Module, library: Library, person: Person, most: int, work: Path, threads: int
) -> tuple[dict[str, float], list[float]]:
    """Row of one person, and the lobules' Dice with 1, 2, ... ``most`` members."""
    with np.load(work / "people" / f"{person.id}.npz") as arrays:
        truth, t1w_to_mni = arrays["labels"], arrays["t1w_to_mni"]
    t1w = native_t1w(person, work, threads)
    image = standardise(torch.from_numpy(crop_t1w(t1w, GRID, t1w_to_mni)))
    votes, plateau, atlas = torch.zeros(library.classes, *GRID.shape), [], torch.empty(0)
    for members, labels in warped_members(net, library, image, most_similar(image, library.images, most)):
        add_votes(votes, image, members, labels)
        if not len(atlas) and len(plateau) + len(members) == VOTERS:
            atlas = votes / votes.sum(0)
        plateau.append(lobule_dice(votes, truth))
    native = labels_on_grid(keep_largest(atlas), GRID, t1w.shape, t1w.affine, t1w_to_mni, SCHEME.indices)
    manual = np.asarray(nib.load(person.dseg).dataobj).squeeze()
    row = scores(native.astype(int), manual, t1w.header.get_zooms()[:3])
    return {**row, "lobules": lobule_dice(atlas, truth)}, plateau


def run_fold(kit: Path, work: Path, fold: int, threads: int) -> tuple[list[dict], list[dict]]:
    """Score the people of one fold with both libraries."""
    people = [p for p in oasis_people(kit) if p.fold == fold]
    net = fold_registration(work, fold, people)
    generated = library_folder(work, str(fold))
    folders = {"exemplars": generated if generated.exists() else build_exemplars(kit, work, str(fold))}
    folders["people"] = real_library(kit, work, fold)
    rows, growth = [], []
    for name, folder in folders.items():
        library = read_library(folder, GRID, SCHEME.name)
        check_unseen(people, library.sources)
        for place, person in enumerate(tqdm(people, desc=f"fold {fold}, {name}")):
            row, plateau = score_person(net, library, person, VOTERS if place else MOST, work, threads)
            known = {"id": f"OASIS-{person.id}", "age": person.age, "fold": fold, "library": name}
            rows.append({**known, **row})
            if not place:
                growth += [{**known, "members": n, "lobules": value} for n, value in enumerate(plateau, 1)]
    return rows, growth


def plateau_figure(growth: pd.DataFrame, out: Path) -> None:
    """Draw the lobules' Dice over the number of members, mean over people, a line a library."""
    with chart(out, "Dice of the lobules over the number of voting members", (5.0, 3.2)) as figure:
        axes = figure.subplots()
        for name, kind in LIBRARIES.items():
            mean = growth[growth["library"] == name].groupby("members")["lobules"].mean()
            axes.plot(mean.index, mean, marker=".", label=kind)
        axes.axvline(VOTERS, color="#9aa3ae", linewidth=1, linestyle="--")
        axes.set(xlabel="members that vote", ylabel="Dice of the lobules, mean")
        axes.legend(frameon=False, loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Score the folds asked for; update their rows of the tables."""
    arguments = read_options(__doc__)
    for fold in arguments.fold:
        for name, rows in zip(
            ("atlas", "atlas_members"), run_fold(arguments.kit, arguments.work, fold, arguments.threads), strict=True
        ):
            path = arguments.out / f"{name}.tsv"
            table = updated(path, rows)
            order = [column for column in ("library", "id", "members") if column in table]
            table.sort_values(order).to_csv(path, sep="\t", index=False, float_format="%.4f")
    atlas, growth = (pd.read_csv(arguments.out / f"{name}.tsv", sep="\t") for name in ("atlas", "atlas_members"))
    plateau_figure(growth, arguments.out / "atlas_members.svg")
    print(atlases(atlas))


if __name__ == "__main__":
    main()
