"""Age, label budgets and transfer: the experiments of Richter & Fetit 2022 (neonates), on painted brains.

Usage: python benchmarks/neonatal.py EXPERIMENT [...] KIT WORK OUT [--seeds S] [--steps S] [--width W] [--spacing MM]

Experiments are ``age`` (section 4.1.2), ``budget`` (Table 3), ``transfer`` (Table 4), or ``all``. All images are
painted from one brain at term, in shapes, contrasts and sizes of their own: so there is no p, but the spread over
seeds, each with images and first weights of its own. ``WORK/neonatal`` keeps images and networks; a command that was
stopped goes on. Whoever changes steps, width or spacing takes another WORK.

Writes, of every experiment, ``OUT/neonatal_NAME_images.tsv``, a row an image and variant: Dice of the eight tissues and
their mean, and the error of the age, weeks; and ``OUT/neonatal_NAME.tsv``, a row a variant and measure: mean of the
seeds, their SD, and mean and SD of the seeds' differences from the variant ``against`` which it is held: the first one,
but for ages and for networks by SGD (``AGE_PAIRS``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from brainruns import add_options, begin, over_seeds
from infantchain import kept
from tables import write_table

from cerebbids.inference.brains import label_neonate
from cerebbids.nets.ageunet import STRATEGIES
from cerebbids.training.braincases import BrainCase
from cerebbids.training.braincohort import cohort
from cerebbids.training.brainmaps import BrainMap, neonatal_brain
from cerebbids.training.brainnets import OWN_ALPHA, BrainTraining, neonatal_training
from cerebbids.training.budget import AXES, RANDOM, labelled_slices
from cerebbids.training.neonates import load_term_brain
from cerebbids.training.recipe import BRAIN
from cerebbids.training.run import Seen

TISSUES = {1: "CSF", 2: "cGM", 3: "WM", 5: "ventricles", 6: "cerebellum", 7: "dGM", 8: "brainstem", 9: "hippocampus"}
"""Classes of DrawEM that are tissues."""
SIDE = 32
"""Of a patch, voxels."""
ALL_AGES, PRETERM, TERM = (26.0, 45.0), (27.0, 36.0), (42.0, 45.0)
"""Postmenstrual weeks, as in the text."""
SHARE = 0.33
"""Slices that are labelled of an image, where labels are spread over three times as many."""
DICE = [*TISSUES.values(), "mean"]
MUON, SGD = "labels alone", "labels alone, SGD"
TEXT, OWN, MEAN = "age, as the text", "age, its own learning rate", "mean age"
AGE_PAIRS = ((MUON, [OWN], DICE), (SGD, [TEXT], DICE), (MEAN, [TEXT, OWN], ["age_error"]))
"""Of ``age``: variant, those held against it, and in which measures. Pairs of networks differ by the age head alone."""
PER_SEED = 100
"""Seeds of cohorts of one seed of the experiment."""


@dataclass(frozen=True)
class Lab:
    """Where and with what the networks of one seed are trained.

    Parameters
    ----------
    seed : int
        Of the images, first weights and examples; counted from 0.
    brains : tuple of BrainMap
        The images are painted from them.
    work : Path
        Gets ``images``, and ``seed-N`` with a folder a network.
    asked : argparse.Namespace
        Options of the command: ``steps``, ``width`` and ``spacing``.
    """

    seed: int
    brains: tuple[BrainMap, ...]
    work: Path
    asked: argparse.Namespace

    def images(self, weeks: tuple[float, float], count: int, place: int) -> tuple[BrainCase, ...]:
        """A cohort; another for every ``place``."""
        seed = PER_SEED * (self.seed + 1) + place
        return cohort("neonatal", self.brains, weeks, count, seed, self.work / "images", self.asked.spacing)

    def training(self, name: str, **more: object) -> BrainTraining:
        """How a network is trained, but for what is told otherwise."""
        told = {"width": self.asked.width, "steps": self.asked.steps, "side": SIDE, "method": "muon", "seed": self.seed}
        return neonatal_training(name, **{**told, **more})

    def net(
        self, name: str, cases: tuple[BrainCase, ...], first: torch.nn.Module | None = None, **more: object
    ) -> torch.nn.Module:
        """A trained network."""
        seen = Seen((), tuple(brain.head.name for brain in self.brains))
        return self.training(name, **more)(self.work / f"seed-{self.seed}" / name, cases, seen, net=first)

    def rows(
        self, variant: str, name: str, net: torch.nn.Module, tested: tuple[BrainCase, ...], ages: tuple[float, float]
    ) -> Iterator[dict]:
        """Scores of a network on every image."""
        folder = self.work / f"seed-{self.seed}" / name / "scores"
        for case in tested:

            def score(case: BrainCase = case) -> dict[str, float | None]:
                probabilities, age = label_neonate(net, torch.from_numpy(case.images), SIDE)
                error = None if age is None else abs(ages[0] + ages[1] * age - case.weeks)
                return {**dice_of(probabilities.argmax(0).numpy(), case.labels), "age_error": error}

            found = kept(folder / f"{variant.replace(' ', '-').replace(',', '')}-{case.id}.json", score)
            yield {"seed": self.seed, "variant": variant, "image": case.id, "weeks": case.weeks, **found}


def dice_of(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Dice of every tissue, and their mean.

    Examples
    --------
    >>> dice_of(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 2]))["WM"].__round__(3)
    0.667
    """
    masks = {name: (found == value, truth == value) for value, name in TISSUES.items()}
    dice = {name: 2.0 * float((a & b).sum()) / max(1, int(a.sum() + b.sum())) for name, (a, b) in masks.items()}
    return {**dice, "mean": float(np.mean([*dice.values()]))}


def age(lab: Lab) -> Iterator[dict]:
    """An age head as in the text, by SGD, and one as ``cerebbids-train brain`` has it, by Muon.

    That one tells standardised ages, with a weight and a learning rate of its own.
    """
    learnt, tested = lab.images(ALL_AGES, 36, 0), lab.images(ALL_AGES, 10, 1)
    usual = lab.training("").ages
    yield from lab.rows(MUON, "age-none", lab.net("age-none", learnt), tested, usual)
    yield from lab.rows(SGD, "age-none-sgd", lab.net("age-none-sgd", learnt, method="sgd"), tested, usual)
    text = {"method": "sgd", "age": True, "ages": (0.0, 1.0)}
    yield from lab.rows(TEXT, "age-text", lab.net("age-text", learnt, **text), tested, (0.0, 1.0))
    own = lab.net("age-own", learnt, age=True, age_rate=BRAIN.age_rate, alpha=OWN_ALPHA)
    yield from lab.rows(OWN, "age-own", own, tested, usual)
    mean = float(np.mean([case.weeks for case in learnt]))
    for case in tested:
        yield {"seed": lab.seed, "variant": MEAN, "image": case.id, "weeks": case.weeks,
               "age_error": abs(mean - case.weeks)}  # fmt: skip


def budget(lab: Lab) -> Iterator[dict]:
    """All labels of some images, and a third of the slices of three times as many."""
    many, tested = lab.images(ALL_AGES, 36, 0), lab.images(ALL_AGES, 10, 1)
    usual = lab.training("").ages
    yield from lab.rows("full", "budget-full", lab.net("budget-full", many[1::3]), tested, usual)
    for axis in (RANDOM, *AXES):
        rng = np.random.default_rng((lab.seed, 3))
        known = tuple(replace(case, labels=labelled_slices(case.labels, axis, SHARE, rng)) for case in many)
        yield from lab.rows(axis, f"budget-{axis}", lab.net(f"budget-{axis}", known), tested, usual)


def transfer(lab: Lab) -> Iterator[dict]:
    """A network of term infants on preterm ones: as it is, tuned ever further, and a new one.

    Tuning and a new network take equally many steps: before these, a tuned one has had as many on term infants.
    """
    source, target = lab.images(TERM, 24, 2), lab.images(PRETERM, 10, 3)
    tested, usual = lab.images(PRETERM, 10, 4), lab.training("").ages
    term = lab.net("transfer-term", source)
    yield from lab.rows("no tuning", "transfer-term", term, tested, usual)
    for strategy in (*STRATEGIES, "full"):
        first = lab.net("transfer-term", source).train()
        learning = {id(weight) for weight in first.learning(strategy)}
        for weight in first.parameters():
            weight.requires_grad_(id(weight) in learning)
        tuned = lab.net(f"transfer-{strategy}", target, first)
        yield from lab.rows(strategy, f"transfer-{strategy}", tuned, tested, usual)
    yield from lab.rows("new", "transfer-new", lab.net("transfer-new", target), tested, usual)


EXPERIMENTS: dict[str, Callable[[Lab], Iterator[dict]]] = {"age": age, "budget": budget, "transfer": transfer}


def summed(name: str, images: pd.DataFrame) -> pd.DataFrame:
    """Table of an experiment."""
    if name != "age":
        return over_seeds(images, DICE)
    parts = (
        over_seeds(images[images["variant"].isin([against, *variants])], measures, against=against)
        for against, variants, measures in AGE_PAIRS
    )
    return pd.concat(parts, ignore_index=True)


def main(argv: list[str] | None = None) -> None:
    """Make the experiments asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="+", choices=[*EXPERIMENTS, "all"])
    add_options(parser, seeds=3, steps=300)
    asked = parser.parse_args(argv)
    begin(asked)
    brains = (neonatal_brain(load_term_brain(asked.kit, asked.work)),)
    labs = [Lab(seed, brains, asked.work / "neonatal", asked) for seed in range(asked.seeds)]
    for name in EXPERIMENTS if "all" in asked.experiment else asked.experiment:
        images = pd.DataFrame([row for lab in labs for row in EXPERIMENTS[name](lab)])
        table = summed(name, images)
        write_table(images, asked.out / f"neonatal_{name}_images.tsv")
        write_table(table, asked.out / f"neonatal_{name}.tsv")
        print(table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
