"""Leave-people-out accuracy of the network at 1 mm (``--fast``) in native space, against manual labels.

Usage: python benchmarks/crossvalidate.py KIT WORK OUT.tsv [--fold K ...]

Every person of the kit's ``adult/oasis`` goes through the app's own steps (conform, denoise, N4, affine, network of
the fold that never saw this person) and is compared with the Neuromorphometrics labels on the native grid. Images
prepared once are kept in WORK/native, and so are the labels found. Writes one row a person, keeps the ``model.toml`` of
every fold's network beside the table, and prints mean, SD and worst case.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from card import RESULTS, accuracy
from monai.metrics import compute_hausdorff_distance
from tqdm import tqdm

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.registration import register_to_mni
from cerebbids.inference.models import Network, read_bundle
from cerebbids.inference.segment import labels_on_grid, load_net, segment
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.bundle import export
from cerebbids.training.factory import CORTEX, MANUAL, VERMIS, WHITE
from cerebbids.training.generated import build_exemplars
from cerebbids.training.kit import N_FOLDS, Person, oasis_people
from cerebbids.training.memory import keep_freed_memory
from cerebbids.training.prepare import native_t1w
from cerebbids.training.run import library_folder, run_folder

FOLDS = RESULTS / "folds"
"""Gets the ``model.toml`` of every fold's network."""


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice overlap of two masks."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def scores(found: np.ndarray, manual: np.ndarray, spacing: tuple[float, ...]) -> dict[str, float]:
    """Compare lobule labels with Neuromorphometrics labels on one grid."""
    hand = np.isin(manual, MANUAL)
    vermis = np.isin(manual, tuple(VERMIS))
    row = {
        "whole": dice(found > 0, hand),
        "white": dice(np.isin(found, (13, 113)), np.isin(manual, tuple(WHITE.values()))),
    }
    for side, high in (("left", False), ("right", True)):
        here = (found > 0) & ((found > 100) == high) & ~vermis
        row[side] = dice(here, np.isin(manual, (CORTEX[side], WHITE[side])))
    for value, lobules in VERMIS.items():
        row[f"vermis_{value}"] = dice(np.isin(found % 100 - 1, lobules) & vermis, manual == value)
    box = tuple(slice(i.min(), i.max() + 1) for i in np.nonzero(hand | (found > 0)))
    masks = [torch.from_numpy(np.ascontiguousarray(m[box]))[None, None] for m in (found > 0, hand)]
    row["hd95_mm"] = float(compute_hausdorff_distance(*masks, percentile=95, spacing=list(map(float, spacing))))
    row["volume_ratio"] = float((found > 0).sum() / hand.sum())
    row["cm3"] = float((found > 0).sum() * np.prod(spacing) / 1000)
    return row


def check_unseen(people: list[Person], seen: Iterable[str]) -> None:
    """End the program where a network or library has seen one of the people that it is to be scored on.

    Raises
    ------
    SystemExit
        It has.
    """
    if leaked := {f"OASIS-{p.id}" for p in people} & set(seen):
        raise SystemExit(f"{sorted(leaked)} have been seen")


def fold_lobules(kit: Path, work: Path, fold: int, people: list[Person]) -> Network:
    """Lobule network that never saw the people of a fold; what it has seen is kept beside the results.

    Raises
    ------
    SystemExit
        It has seen one of them.
    """
    runs = {net: run_folder(work, net, str(fold)) for net in DEEPCERES.methods["fast"]}
    library = library_folder(work, str(fold))
    if not library.exists():
        build_exemplars(kit, work, str(fold))
    folder = export(runs, library, work / "bundles" / f"fold-{fold}")
    network = read_bundle(folder.parent, folder.name).networks["lobules"]
    check_unseen(people, network.training_ids)
    FOLDS.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "model.toml", FOLDS / f"fold-{fold}.toml")
    return network


def run_fold(kit: Path, work: Path, fold: int, threads: int) -> list[dict]:
    """Score the people of one fold with the network that never saw them."""
    people = [p for p in oasis_people(kit) if p.fold == fold]
    network, device = fold_lobules(kit, work, fold, people), torch.device("cpu")
    net, indices = load_net(network, device), load_scheme(DEEPCERES.scheme).indices
    rows = []
    for person in tqdm(people, desc=f"fold {fold}"):
        t1w = native_t1w(person, work, threads)
        t1w_to_mni = register_to_mni(t1w, threads).t1w_to_mni
        answer = segment(net, network.grid, t1w, t1w_to_mni, device, person.id)
        found = labels_on_grid(answer.probabilities, answer.grid, t1w.shape, t1w.affine, t1w_to_mni, indices)
        nib.save(with_data(t1w, found), work / "native" / f"{person.id}_dseg.nii.gz")
        manual = np.asarray(nib.load(person.dseg).dataobj).squeeze()
        row = scores(found.astype(int), manual, t1w.header.get_zooms()[:3])
        known = {"id": f"OASIS-{person.id}", "age": person.age, "fold": fold, "weights_sha256": network.sha256}
        rows.append({**known, **row})
    return rows


def updated(path: Path, rows: list[dict]) -> pd.DataFrame:
    """Table of an earlier call, if there is one, with new rows for the folds that were scored now."""
    table = pd.DataFrame(rows)
    if path.exists():
        before = pd.read_csv(path, sep="\t")
        table = pd.concat([before[~before["fold"].isin(table["fold"])], table])
    return table.sort_values("id", ignore_index=True)


def read_options(about: str | None) -> argparse.Namespace:
    """Read the command line of a script that scores folds, and make torch ready."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fold", type=int, nargs="+", default=list(range(N_FOLDS)))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    return arguments


def main() -> None:
    """Score the folds asked for; update their rows of the table."""
    arguments = read_options(__doc__)
    rows = []
    for fold in arguments.fold:
        rows += run_fold(arguments.kit, arguments.work, fold, arguments.threads)
    table = updated(arguments.out, rows)
    table.to_csv(arguments.out, sep="\t", index=False, float_format="%.4f")
    print(accuracy(table))


if __name__ == "__main__":
    main()
