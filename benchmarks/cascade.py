"""Leave-people-out accuracy of the cascade in native space, against manual labels, whole and in parts.

Usage: python benchmarks/cascade.py KIT WORK OUT.tsv [--fold K ...]

Every person of the kit's ``adult/oasis`` goes through the app's own steps. Registration network, library, network at
1 mm and the four of the cascade are those of the fold (``cerebbids-train exemplars``, ``fit``) and have not seen this
person; the other networks are the packaged ones, which have seen nobody of the kit's labelled people. Images prepared
once are kept in WORK/native, and so are the labels found. Writes a row a person and answer: as the app does it
(``nets``), and in one fold, as it takes twice as long, as with ``--flip``; the cascade without the mean with the
network at 1 mm (``cascade``), and of it each kind of network alone (``dpn``, ``unet``); with it the numbers that the
traffic light looks at. ``weights_sha256`` tells of which training the fold's networks were. Keeps what they have seen
beside the table, and prints mean, SD and worst case. Volumes of ``seg-DeepCERES`` in ``nets``, cm3 of the T1w image's
world, go into OUT_volumes.tsv (``volumes.py`` holds them against published ones).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from atlas import fold_registration
from card import cascade_accuracy
from crossvalidate import FOLDS, check_unseen, dice, read_options, scores, updated
from safetensors.torch import save
from tqdm import tqdm

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.qcnumbers import one_sided, told_by_networks, volume_cm3
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.vermis import VERMIS_GROUPS, with_vermis
from cerebbids.inference.answer import Answer, confidence
from cerebbids.inference.cascade import Cascade
from cerebbids.inference.halves import on_fine_half
from cerebbids.inference.imageside import ImageSide, image_side
from cerebbids.inference.library import read_library
from cerebbids.inference.lobules import cascade_alone, from_opinions, held_against, quick_answer, shown_t2w
from cerebbids.inference.models import read_bundle
from cerebbids.inference.prior import subject_atlas
from cerebbids.inference.segment import crop_t1w, labels_on_grid, load_net
from cerebbids.inference.tissue import tissue_labels
from cerebbids.systems.deepceres import DEEPCERES, LOBULE_NETS, SIDE_NETS
from cerebbids.training.generated import build_exemplars
from cerebbids.training.kit import Person, oasis_people
from cerebbids.training.prepare import native_t1w
from cerebbids.training.priors import ASKED
from cerebbids.training.run import NOTES, library_folder, read_notes, run_folder
from cerebbids.training.trained import check_finished, half_weights, trained_net

T = TypeVar("T")
CPU = torch.device("cpu")
GRIDS = DEEPCERES.grids
FINE = GRIDS["contrast"]
SCHEME = load_scheme(DEEPCERES.scheme)
LOBULE_CHANNELS = [channel for channel, label in enumerate(SCHEME.labels, 1) if label.tissue == "GM"]
BY, FLIPPED = ("nets", "cascade", "dpn", "unet"), ("flip",)
"""Answers that are scored, and what is scored in one fold besides."""
FLIPPED_FOLD = 0
"""Which fold that is."""
ALONE = {"dpn": 0, "unet": 1}
"""Answers of one network a stage, and its place among the stage's."""


@dataclass(frozen=True)
class Shown:
    """What the cascade is shown of one person: clean T1w, its place, images at 0.5 mm, atlas, answer at 1 mm."""

    t1w: nib.Nifti1Image
    t1w_to_mni: np.ndarray
    side: ImageSide
    atlas: np.ndarray
    quick: np.ndarray


def fold_cascade(work: Path, fold: int, people: list[Person]) -> Cascade:
    """Cascade that never saw the people of a fold; what it has seen is kept beside the results.

    Raises
    ------
    SystemExit
        It has seen one of them.
    """
    for net in ("lobules", *SIDE_NETS, *LOBULE_NETS):
        run = run_folder(work, net, str(fold))
        check_unseen(people, read_notes(run)[1].people)
        shutil.copyfile(run / NOTES, FOLDS / f"fold-{fold}_{net}.json")
    sides, lobules = (
        tuple(trained_net(run_folder(work, net, str(fold))) for net in nets) for nets in (SIDE_NETS, LOBULE_NETS)
    )
    return Cascade(sides, lobules)


def asked(by: str, nets: tuple[T, ...]) -> tuple[T, ...]:
    """Networks of one stage that give an answer.

    Examples
    --------
    >>> asked("unet", SIDE_NETS), asked("flip", SIDE_NETS)
    (('sides_unet',), ('sides_dpn', 'sides_unet'))
    """
    return nets[ALONE[by] : ALONE[by] + 1] if by in ALONE else nets


def weights_sha256(work: Path, fold: int, by: str) -> str:
    """Hash of the fold's networks that give an answer: of the hashes that they would have in a bundle.

    These are the registration network, the one at 1 mm, and those of the cascade that are asked. What all folds share
    is not among them.

    Raises
    ------
    UsageError
        One of them is not trained.
    """
    runs = [run_folder(work, net, str(fold)) for net in (*ASKED, *asked(by, SIDE_NETS), *asked(by, LOBULE_NETS))]
    for run in runs:
        check_finished(run)
    hashes = [hashlib.sha256(save(half_weights(run))).hexdigest() for run in runs]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def answers_of(cascade: Cascade, seen: Shown, name: str, flipped: bool) -> Iterator[tuple[str, Answer]]:
    """All answers, each under its name; that with the mirror image where it is asked for."""
    opinions = (seen.atlas, seen.quick)
    given = ((seen.side.t1w, shown_t2w(seen.side)), *opinions, FINE, CPU, name)
    alone = cascade_alone(cascade, *given)
    yield "nets", from_opinions(alone, *opinions, FINE, name)
    yield "cascade", held_against(alone, seen.atlas, FINE, name)
    for by in ALONE:
        nets = Cascade(asked(by, cascade.sides), asked(by, cascade.lobules))
        yield by, held_against(cascade_alone(nets, *given), seen.atlas, FINE, name)
    if flipped:
        yield "flip", from_opinions(cascade_alone(cascade, *given, flip=True), *opinions, FINE, name)


def score(answer: Answer, seen: Shown, person: Person, work: Path) -> tuple[dict[str, float], np.ndarray]:
    """Scores of an answer in native space, and at 0.5 mm against the factory's lobules; the labels found."""
    native = (seen.t1w.shape, seen.t1w.affine, seen.t1w_to_mni)
    found = labels_on_grid(answer.probabilities, answer.grid, *native, SCHEME.indices)
    manual = np.asarray(nib.load(person.dseg).dataobj).squeeze()
    row = scores(found.astype(int), manual, seen.t1w.header.get_zooms()[:3])
    assert answer.vermis is not None
    vermis = labels_on_grid(torch.stack([1 - answer.vermis, answer.vermis]), answer.grid, *native, (1,)) > 0
    told = with_vermis(found, vermis)
    row |= {f"own_vermis_{value}": dice(told == value, manual == value) for value in VERMIS_GROUPS}
    fine = labels_on_grid(answer.probabilities, answer.grid, FINE.shape, FINE.affine, np.eye(4), tuple(range(1, 27)))
    with np.load(work / "fine" / f"{person.id}.npz") as arrays:
        factory = arrays["compartments"]
    row["lobules"] = float(np.mean([dice(fine == k, factory == k) for k in LOBULE_CHANNELS]))
    return row | numbers(answer), found


def numbers(answer: Answer) -> dict[str, float]:
    """Numbers of the traffic light that need no image; NaN of what an answer cannot tell."""
    sure = dict(enumerate(confidence(answer.probabilities)))
    template = template_t1w()
    place = (template.shape, template.affine)
    in_mni = labels_on_grid(answer.probabilities, answer.grid, *place, np.eye(4), SCHEME.indices)
    placed = nib.Nifti1Image(in_mni, template.affine)
    told = {**told_by_networks({"confidence": sure, **answer.agreements}), "volume_mni_cm3": volume_cm3(placed)}
    told["one_sided_mm3"] = one_sided(placed)
    return {key: np.nan if value is None else value for key, value in told.items()}


def carved_volumes(answer: Answer, seen: Shown) -> dict[str, float]:
    """Volume of each label of seg-DeepCERES, cm3, in the world of the T1w image."""
    counts = np.bincount(tissue_labels(answer, seen.side, FINE).ravel(), minlength=len(SCHEME.labels) + 1)
    voxel = FINE.spacing**3 / abs(np.linalg.det(seen.t1w_to_mni[:3, :3])) / 1000
    return {label.abbreviation: float(n * voxel) for label, n in zip(SCHEME.labels, counts[1:], strict=True)}


def run_fold(kit: Path, work: Path, fold: int, threads: int) -> tuple[list[dict], list[dict]]:
    """Score and measure the people of one fold."""
    people = [p for p in oasis_people(kit) if p.fold == fold]
    flipped = fold == FLIPPED_FOLD
    cascade, registration = fold_cascade(work, fold, people), fold_registration(work, fold, people)
    folder = library_folder(work, str(fold))
    library = read_library(
        folder if folder.exists() else build_exemplars(kit, work, str(fold)), GRIDS["deform"], SCHEME.name
    )
    check_unseen(people, library.sources)
    networks = read_bundle(None, DEEPCERES.name).networks
    nets: Mapping[str, torch.nn.Module] = {name: load_net(networks[name], CPU) for name in ("superres", "contrast")}
    for name in nets:
        check_unseen(people, networks[name].training_ids)
    quick = trained_net(run_folder(work, "lobules", str(fold)))
    hashes = {by: weights_sha256(work, fold, by) for by in BY + FLIPPED * flipped}
    rows, measured = [], []
    for person in tqdm(people, desc=f"fold {fold}"):
        t1w = native_t1w(person, work, threads)
        t1w_to_mni = register_to_mni(t1w, threads).t1w_to_mni
        side = image_side(
            nets, GRIDS, t1w, t1w_to_mni,
            stripped=True, real=None, device=CPU, threads=threads, name=person.id, lap=lambda stage: None,
        )  # fmt: skip
        crop = crop_t1w(t1w, GRIDS["deform"], t1w_to_mni)
        opinions = subject_atlas(registration, library, crop, CPU), quick_answer(quick, crop, CPU)
        seen = Shown(t1w, t1w_to_mni, side, *(on_fine_half(opinion, FINE.halved()) for opinion in opinions))
        known = {"id": f"OASIS-{person.id}", "age": person.age, "fold": fold}
        for by, answer in answers_of(cascade, seen, person.id, flipped):
            row, found = score(answer, seen, person, work)
            rows.append({**known, "by": by, "weights_sha256": hashes[by], **row})
            nib.save(with_data(t1w, found), work / "native" / f"{person.id}_by-{by}_dseg.nii.gz")
            if by == "nets":
                measured.append({**known, **carved_volumes(answer, seen)})
    return rows, measured


def main() -> None:
    """Score the folds asked for; update their rows of the table."""
    arguments = read_options(__doc__)
    FOLDS.mkdir(parents=True, exist_ok=True)
    for fold in arguments.fold:
        rows, measured = run_fold(arguments.kit, arguments.work, fold, arguments.threads)
        table, volumes = updated(arguments.out, rows), arguments.out.with_name(f"{arguments.out.stem}_volumes.tsv")
        table.sort_values(["id", "by"]).to_csv(arguments.out, sep="\t", index=False, float_format="%.4f")
        updated(volumes, measured).to_csv(volumes, sep="\t", index=False, float_format="%.4f")
    print(cascade_accuracy(pd.read_csv(arguments.out, sep="\t")))


if __name__ == "__main__":
    main()
