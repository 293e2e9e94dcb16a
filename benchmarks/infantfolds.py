"""Cross-validate the network for 24 months on the kit's 13 labelled infants, and how far its labels are trusted.

Usage: python benchmarks/infantfolds.py KIT WORK OUT [--threads T]

Needs ``cerebbids-train fit KIT WORK --net tissue24 --fold F`` of every fold, and ``--net confidence`` for the trust,
which is told of the infants whose answers that network has not seen. Folds that are not trained are left out, and told.
Labels are as the manual ones, brainstem and all; networks see the cut-out as the program does. Writes
``OUT/folds_images.tsv``, a row an infant (Dice in percent of every tissue, mean trust, share of right labels among
those that the second network trusts and doubts), and ``OUT/folds.tsv`` (mean, SD, worst, n).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from infantchain import dice_of_tissues
from tables import write_table

from cerebbids.inference.trust import confidence, shown
from cerebbids.inference.windows import both_ways
from cerebbids.training.infants import Infant, fold_of, kit_infants
from cerebbids.training.infanttasks import JUDGED_FOLDS
from cerebbids.training.kit import N_FOLDS
from cerebbids.training.memory import keep_freed_memory
from cerebbids.training.run import CHECKPOINT, check_unseen, run_folder
from cerebbids.training.trained import trained_net


def scores(infant: Infant, net: torch.nn.Module, judge: torch.nn.Module | None) -> dict[str, float]:
    """Dice of an infant whom neither network has learnt from, and how far its labels are trusted."""
    probabilities = both_ways(net, torch.from_numpy(infant.images))
    labels = probabilities.argmax(0).numpy()
    found: dict[str, float] = dice_of_tissues(labels, infant.labels)
    if judge is None:
        return found
    labelled = labels > 0
    trust = confidence(both_ways(judge, shown(probabilities))).numpy()[labelled]
    right = (labels == infant.labels)[labelled]
    return {
        **found,
        "trust": 100 * float(trust.mean()),
        "right": 100 * float(right.mean()),
        "right_of_trusted": 100 * float(right[trust >= 0.5].mean()),
        "right_of_doubted": 100 * float(right[trust < 0.5].mean()) if (trust < 0.5).any() else np.nan,
    }


def net_of(work: Path, name: str, fold: int, tested: tuple[Infant, ...] = ()) -> torch.nn.Module | None:
    """Network of a fold, which has seen nobody who is tested on; none where it is not trained.

    Raises
    ------
    UsageError
        It has, or its training has not come to an end.
    """
    run = run_folder(work, name, str(fold))
    if not (run / CHECKPOINT).exists():
        return None
    check_unseen(run, [f"BCP24-{infant.person}" for infant in tested])
    return trained_net(run)


def main(argv: list[str] | None = None) -> None:
    """Score every infant by its fold's networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kit", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(argv)
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    infants = kit_infants(asked.kit)
    folds, rows = fold_of(infants), []
    for fold in range(N_FOLDS):
        own = tuple(infant for infant in infants if folds[infant.person] == fold)
        net = net_of(asked.work, "tissue24", fold, own)
        # Its notes name everybody whose labels are behind the answers; it has seen those of the judged folds alone.
        judge = None if fold in JUDGED_FOLDS else net_of(asked.work, "confidence", fold)
        if net is None:
            print(f"fold {fold} is not trained")
            continue
        for infant in own:
            rows.append({"person": infant.person, "fold": fold, **scores(infant, net, judge)})
            print({key: value if isinstance(value, str) else round(value, 2) for key, value in rows[-1].items()})
    table = pd.DataFrame(rows)
    measures = table.drop(columns=["person", "fold"])
    told = measures.agg(["mean", "std", "min", "count"]).T.reset_index(names="measure")
    told.columns = ["measure", "mean", "sd", "worst", "n"]
    for frame, name in ((table.sort_values("person"), "folds_images"), (told, "folds")):
        write_table(frame, asked.out / f"{name}.tsv", float_format="%.2f")
    print(told.to_string(index=False))


if __name__ == "__main__":
    main()
