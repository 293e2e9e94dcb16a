"""The comparisons of Morell-Ortega et al. 2025 (DeepCERES), restated with the kit's people and painted cerebella.

Usage: python benchmarks/ablations.py KIT WORK OUT [--table N ...] [--fold K] [--steps S] [--threads T]

WORK is what ``cerebbids-train prepare``, ``refine``, and, of the fold, ``fit --net deform``, ``fit --net lobules``,
``extend``, ``exemplars`` and ``priors`` have made. Networks are half as wide as the package's, start from the atlas
alone, and are trained for a few steps, all of a table for as many, from the same seed; their runs are kept in
WORK/ablations, where a command that was stopped goes on. They are tested on the people of the fold, or on the painted
cases of one brain, on the 0.5 mm grid, as they answer: nothing is cleaned. ``variants.py`` says what is compared,
``deepceres.md`` what that can tell.

Writes, of every table, ``OUT/table_N_cases.tsv``, a row a variant and case, and ``OUT/table_N.tsv``, a row a variant:

- ``n`` cases; ``mean``, ``sd`` and ``worst`` over cases of the mean Dice of all 26 labels; ``sd_pairs``, over cases and
  labels, which is what the text gives in brackets; means of ``lobules``, ``white`` matter and ``whole`` cerebellum;
- ``difference`` from the row that it is compared ``against``, and two-sided p of Wilcoxon's signed-rank test:
  ``p_cases`` of the ``n`` pairs of means (never below 2 / 2^n), and ``p_pairs`` of all ``pairs`` of cases and labels
  (which depend on each other), both without pairs that do not differ;
- ``parameters`` of what was trained and, for comparison, of networks as wide as the package's; ``seconds`` a case.

Tables 7, 8 and 10 get ``OUT/table_N_labels.tsv``, too: mean and SD over cases, a row a label. Whoever makes WORK/fine
or WORK/priors anew has to remove WORK/ablations.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from heldout import HeldOut, changed, check_unseen, load, names_of, seen_coarsely
from scipy.stats import wilcoxon
from tables import write_table
from tqdm import tqdm
from variantnets import Asked, count_parameters, fingerprint, labelled, load_nets, recipe_of, train
from variants import TABLES, Setting, Variant

from cerebbids.data.labels import load_scheme
from cerebbids.files import write_text
from cerebbids.inference.device import find_device
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.kit import N_FOLDS
from cerebbids.training.memory import keep_freed_memory
from cerebbids.training.sources import COBRALAB

SCHEME = load_scheme(DEEPCERES.scheme)
LABELS = [label.name for label in SCHEME.labels]
MEANS = {
    "labels": LABELS,
    "lobules": [label.name for label in SCHEME.labels if label.tissue == "GM"],
    "white": [label.name for label in SCHEME.labels if label.tissue == "WM"],
}
"""Columns that are means of others."""
BY_LABEL = ("7", "8", "10")
"""Tables that have a row a label in the text."""


def dice_of_labels(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Dice of the whole cerebellum and of every label of two maps of channels 0..26; all labels are in ``truth``."""
    classes = len(LABELS) + 1
    both = np.bincount(classes * found.ravel().astype(np.int64) + truth.ravel(), minlength=classes**2)
    both = both.reshape(classes, classes)
    overlaps, sizes = 2 * both.diagonal()[1:], (both.sum(0) + both.sum(1))[1:]
    whole = 2 * both[1:, 1:].sum() / (both[1:].sum() + both[:, 1:].sum())
    return {"whole": float(whole), **dict(zip(LABELS, (overlaps / sizes).tolist(), strict=True))}


def score(nets: Asked, case: HeldOut, device: torch.device) -> dict[str, float | str]:
    """Seconds that an answer takes, and on what, and its Dice."""
    start = time.perf_counter()
    found = labelled(nets, case, device)
    taken = {"seconds": time.perf_counter() - start, "on": f"{device.type}, {torch.get_num_threads()} threads"}
    return {**taken, **dice_of_labels(found, case.labels)}


def score_variant(variant: Variant, setting: Setting) -> Iterator[dict]:
    """Rows of a variant, one a case; those that are known of the same weights are read."""
    nets: Asked = {}
    kept = setting.folder / "scores" / fingerprint(variant, setting) / variant.images.replace(" ", "-")
    for name in names_of(variant.how.cases, setting):
        path = kept / f"{name}.json"
        if not path.exists():
            nets = nets or load_nets(variant, setting)
            case = changed(variant.images, load(name, setting), setting)
            if variant.how.coarse:
                case = replace(case, t1w=seen_coarsely(case.t1w), t2w=seen_coarsely(case.t2w))
            write_text(path, json.dumps(score(nets, case, setting.device)))
        row = json.loads(path.read_text(encoding="utf-8"))
        means = {key: float(np.mean([row[label] for label in labels])) for key, labels in MEANS.items()}
        yield {"variant": variant.name, "images": variant.images, "case": name, **means, **row}


def p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test of pairs; 1 where no pair differs."""
    return float(wilcoxon(a, b).pvalue) if (a != b).any() else 1.0


def comparison(own: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    """Compare two variants, a row a case each, on the cases of both."""
    own, other = own.set_index("case"), other.set_index("case").loc[own["case"]]
    a, b = (table[LABELS].to_numpy().ravel() for table in (own, other))
    return {
        "difference": float((own["labels"] - other["labels"]).mean()),
        "p_cases": p_value(own["labels"].to_numpy(), other["labels"].to_numpy()),
        "pairs": len(a),
        "p_pairs": p_value(a, b),
    }


def summary(variants: tuple[Variant, ...], cases: pd.DataFrame) -> pd.DataFrame:
    """Sum up the rows of cases: a row a variant."""
    rows = []
    for variant in variants:
        own = cases[cases["variant"] == variant.name]
        row = {"variant": variant.name, "n": len(own), "mean": own["labels"].mean(), "sd": own["labels"].std()}
        row |= {"worst": own["labels"].min(), "sd_pairs": own[LABELS].to_numpy().std()}
        row |= {key: own[key].mean() for key in ("lobules", "white", "whole")} | {"whole_sd": own["whole"].std()}
        if variant.against:
            row["against"] = variant.against
            row |= comparison(own, cases[cases["variant"] == variant.against])
        rows.append({**row, "seconds": own["seconds"].mean(), "on": "; ".join(sorted(set(own["on"])))})
    return pd.DataFrame(rows)


def networks(variant: Variant, setting: Setting) -> dict[str, object]:
    """Columns of a variant that say what was trained."""
    nets = list(variant.nets())
    widths = {net.architecture: recipe_of(net, setting).sizes for net in nets}
    told = [f"{name} {sizes.get('width') or '-'.join(map(str, sizes['widths']))}" for name, sizes in widths.items()]
    return {
        "networks": len(nets),
        "width": ", ".join(told),
        "steps": max(recipe_of(net, setting).steps for net in nets),
        "parameters": sum(count_parameters(net, setting) for net in nets),
        "parameters_full_width": sum(count_parameters(net, replace(setting, narrower=1)) for net in nets),
    }


def by_label(variants: tuple[Variant, ...], cases: pd.DataFrame) -> pd.DataFrame:
    """Mean (SD over cases) of every label: a row a label, a column a variant."""

    def told(values: pd.DataFrame) -> pd.Series:
        return pd.Series({k: f"{values[k].mean():.4f} ({values[k].std():.4f})" for k in ("whole", *LABELS)})

    return pd.DataFrame({v.name: told(cases[cases["variant"] == v.name]) for v in variants}).rename_axis("label")


def make_table(number: str, setting: Setting, out: Path) -> pd.DataFrame:
    """Train, test and write one table; return it."""
    variants = TABLES[number]
    train((net for variant in variants for net in variant.nets()), setting)
    shown = tqdm(variants, desc=f"table {number}")
    cases = pd.DataFrame([row for variant in shown for row in score_variant(variant, setting)])
    told = pd.DataFrame([networks(variant, setting) for variant in variants])
    table = pd.concat([summary(variants, cases), told], axis=1)
    write_table(cases, out / f"table_{number}_cases.tsv")
    write_table(table, out / f"table_{number}.tsv")
    if number in BY_LABEL:
        write_table(by_label(variants, cases), out / f"table_{number}_labels.tsv", index=True)
    return table


def main(argv: list[str] | None = None) -> None:
    """Make the tables asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kit", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--table", nargs="+", choices=TABLES, default=list(TABLES), metavar="N", help=", ".join(TABLES))
    parser.add_argument("--fold", choices=[str(fold) for fold in range(N_FOLDS)], default="0")
    parser.add_argument("--brain", choices=COBRALAB, default=COBRALAB[-1], help="whose painted cases are tested on")
    parser.add_argument("--steps", type=int, default=150, help="of each network of a cascade (default: 150)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare examples")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args(argv)
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    setting = Setting(
        asked.kit, asked.work, asked.fold, asked.brain, asked.steps,
        workers=asked.workers, device=find_device(asked.device),
    )  # fmt: skip
    check_unseen(setting)
    for number in asked.table:
        print(make_table(number, setting, asked.out).to_string(), end="\n\n")


if __name__ == "__main__":
    main()
