"""With and without context, with and without deep supervision: Table 2 of Zeng & Zheng 2018, on painted brains.

Usage: python benchmarks/isointense.py KIT WORK OUT [--seeds S] [--steps S] [--width W] [--spacing MM] [--threads T]

Of each seed, one of the kit's brains of 6, 7 and 8 months is tested on, in six painted images, and the other four (5 to
12 months) are learnt from, in 24. Four networks are trained equally long: on images alone, on images and the distances
to what that one has found in them (having learnt from them), on images alone without the losses at coarser resolutions,
and on images alone where the path of the T1w image begins with the weights of a network of T1w alone, which the same 24
images have taught before. As that path has had twice the training, and two networks make an answer with context, these
are held against a fifth network, too, of images alone, that is trained twice as long.
``WORK/isointense`` keeps images and networks; a command that was stopped goes on. Whoever changes steps, width or
spacing takes another WORK.

Writes ``OUT/isointense_images.tsv``, a row an image, variant and tissue: Dice, mean distance of the surfaces (ASD) and
95th percentile of these distances (MHD), mm; and ``OUT/isointense.tsv``, a row a variant, tissue and measure: mean of
the seeds, their SD, how many images have the measure (distances are missing where a tissue was not found), and the
mean and SD of the seeds' differences from the network ``against`` which it is held. Three brains are three: there is no
p.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from brainruns import add_options, begin, over_seeds
from brainscores import tissue_scores
from infantchain import kept
from tables import write_table

from cerebbids.inference.brains import label_isointense
from cerebbids.nets.build import build
from cerebbids.training.braincases import BrainCase
from cerebbids.training.braincohort import cohort
from cerebbids.training.braincontext import with_context
from cerebbids.training.brainmaps import BrainMap, isointense_brains
from cerebbids.training.brainnets import DEEP, isointense_training
from cerebbids.training.run import Seen, check_unseen
from cerebbids.training.takeover import T1W_PATH, take_over

NAMES = {1: "CSF", 2: "GM", 3: "WM"}
TESTED = (6, 7, 8)
"""Month of the brain that is tested on, of each seed."""
LEARNT_FROM, TESTED_ON = 24, 6
WEEKS = (66.0, 79.0)
"""Six to nine months after term, postmenstrual."""
ALONE, CONTEXT, SHALLOW = "images alone", "with context", "without deep supervision"
LONGER, TAKEN = "images alone, twice the steps", "T1w path taken over"
MEASURES = ["dice", "asd", "mhd"]
SIDE = 32
"""Of a patch, voxels."""


def scored(labels: np.ndarray, case: BrainCase, spacing: float) -> dict[str, dict[str, float]]:
    """Scores of every tissue.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z), uint8
        On the voxels of the case.
    case : BrainCase
    spacing : float
        Edge of a voxel, mm.

    Returns
    -------
    dict
        Name of a tissue -> what :func:`brainscores.tissue_scores` tells of it.
    """
    return {name: tissue_scores(labels == value, case.labels == value, (spacing,) * 3) for value, name in NAMES.items()}


def rows(seed: int, brains: tuple[BrainMap, ...], work: Path, asked: argparse.Namespace) -> Iterator[dict]:
    """Train the networks of a seed, and score them."""
    month, spacing = TESTED[seed], asked.spacing
    others = tuple(brain for brain in brains if brain.head.month != month)
    own = tuple(brain for brain in brains if brain.head.month == month)
    learnt = cohort("isointense", others, WEEKS, LEARNT_FROM, 10 + seed, work / "images", spacing)
    tested = cohort("isointense", own, WEEKS, TESTED_ON, 20 + seed, work / "images", spacing)
    seen, folder = Seen((), tuple(brain.head.name for brain in others)), work / f"seed-{seed}"
    told = {"width": asked.width, "steps": asked.steps, "side": SIDE, "method": "muon", "seed": seed}

    alone = isointense_training("alone", deep=DEEP, **told)(folder / "alone", learnt, seen)
    shallow = isointense_training("shallow", deep=(1.0, 0.0, 0.0), **told)(folder / "shallow", learnt, seen)
    more = {**told, "steps": 2 * asked.steps}
    longer = isointense_training("longer", deep=DEEP, **more)(folder / "longer", learnt, seen)
    wider = tuple(with_context(alone, case, SIDE, spacing) for case in learnt)
    context = isointense_training("context", (1, 1, 3), deep=DEEP, **told)(folder / "context", wider, seen)
    t1w = tuple(replace(case, images=case.images[:1]) for case in learnt)
    single = isointense_training("t1w", (1,), deep=DEEP, **told)(folder / "t1w", t1w, seen)
    training = isointense_training("taken", deep=DEEP, **told)
    torch.manual_seed(seed)
    first = build(training.recipe.architecture, training.recipe.sizes)
    take_over(first, single.state_dict(), T1W_PATH)
    taken = training(folder / "taken", learnt, seen, net=first)
    for name in ("alone", "longer", "shallow", "context", "t1w", "taken"):
        check_unseen(folder / name, [brain.head.name for brain in own])
    variants = {
        ALONE: (alone,), CONTEXT: (alone, context), SHALLOW: (shallow,), LONGER: (longer,), TAKEN: (taken,),
    }  # fmt: skip
    for variant, nets in variants.items():
        for case in tested:
            path = folder / "scores" / f"{variant.replace(' ', '-').replace(',', '')}-{case.id}.json"

            def score(nets: tuple = nets, case: BrainCase = case) -> dict:
                labels, _ = label_isointense(nets, torch.from_numpy(case.images), SIDE, (spacing,) * 3)
                return scored(labels, case, spacing)

            for tissue, numbers in kept(path, score).items():
                yield {"seed": seed, "month": month, "variant": variant, "image": case.id, "tissue": tissue, **numbers}


def summed(images: pd.DataFrame) -> pd.DataFrame:
    """Table of the experiment: variants beside images alone, and those with more training beside as much of it."""
    parts = (
        over_seeds(images[images["variant"].isin(variants)], MEASURES, ("tissue",), variants[0])
        for variants in ((ALONE, CONTEXT, SHALLOW), (LONGER, CONTEXT, TAKEN))
    )
    return pd.concat(parts, ignore_index=True)


def main(argv: list[str] | None = None) -> None:
    """Train, score, write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, seeds=len(TESTED), steps=400)
    asked = parser.parse_args(argv)
    begin(asked)
    brains = isointense_brains(asked.kit)
    work = asked.work / "isointense"
    images = pd.DataFrame([row for seed in range(asked.seeds) for row in rows(seed, brains, work, asked)])
    table = summed(images)
    write_table(images, asked.out / "isointense_images.tsv")
    write_table(table, asked.out / "isointense.tsv")
    print(table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
