"""The comparisons of Sun et al. 2020 (infant cerebellum), restated with simulated cohorts of the kit's 13 infants.

Usage: python benchmarks/infant.py EXPERIMENT [...] KIT WORK OUT [--splits S] [--steps S] [--width W] [--threads T]

Experiments are ``transfer`` (Table 1), ``k`` (Figure 5), ``supervised`` (Figure 6), ``weights`` (Figure 7), ``order``
(Figure 4), ``confidence`` (how far the confidence is right), ``windows`` (a whole box at once against cubes), or
``all``. ``infant.md`` says what they can tell; ``infantcohorts.py`` who is in which role. A split trains one chain of
networks in WORK/split-N, which all experiments share; a command that was stopped goes on. Whoever changes ``--steps``
or ``--width`` takes another WORK.

Writes, of every experiment, ``OUT/NAME_images.tsv``, a row an image, and ``OUT/NAME.tsv``, a row a variant, age and
measure (Dice in percent of a tissue, their mean ...):

- ``n`` people and their ``images``; ``mean`` and ``sd`` over people, ``worst`` of the images;
- ``effect``, the mean of the people's differences from the row that it is compared ``against``; ``low`` and ``high``,
  its 95 % interval by resampling people; how many of them are ``better``; and, of six people or more, two-sided ``p``
  of Wilcoxon's signed-rank test, not corrected for the number of comparisons.

``order.tsv`` has Spearman's correlation of trust with true Dice in its place, of every age and split; its p takes the
images of a person for independent, its interval does not. ``confidence_curve.tsv`` has the steps of the figure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from infantchain import Chain, K, dice_of_tissues, kept
from infantcohorts import AGES, BEFORE, SPLITS, split_of
from infantstatistics import BINS, calibration, curve, order, reliability, summary
from tables import write_table

from cerebbids.inference.device import find_device
from cerebbids.inference.windows import both_ways, in_cubes, in_whole
from cerebbids.reports.charts import chart
from cerebbids.training.infantnets import InfantTraining
from cerebbids.training.infants import TISSUES, kit_infants
from cerebbids.training.memory import keep_freed_memory
from cerebbids.training.transfer import judge_infant

KS = (2, 4, 6, 8, 10, 12)
"""Of Figure 5."""
NS = (1, 2, 4)
"""Images with manual labels of Figure 6."""
YOUNGEST = AGES[-1]


def transfer(chain: Chain) -> Iterator[dict]:
    """The network of 24 months as it is, that of the age before, and that of the age itself."""
    yield from chain.scores(chain.run(24), 24, variant="24m net")
    for age in AGES:
        yield from chain.scores(chain.run(24), age, variant="24m net")
        if BEFORE[age] != 24:
            yield from chain.scores(chain.run(BEFORE[age]), age, variant="net of the age before")
        yield from chain.scores(chain.run(age), age, variant="proposed")


def numbers(chain: Chain) -> Iterator[dict]:
    """Networks of the youngest age, from more and more of the unlabelled."""
    for k in KS:
        run = chain.run(YOUNGEST)
        if k != K:
            run = chain.taught(f"k-{k}", YOUNGEST, chain.trusted(YOUNGEST, k))
        yield from chain.scores(run, YOUNGEST, variant=f"K = {k}")


def supervised(chain: Chain) -> Iterator[dict]:
    """Networks of the youngest age from N images with manual labels, and from these and the most trusted ones."""
    manual, trusted = chain.images("manual", YOUNGEST), chain.trusted(YOUNGEST, K)
    yield from chain.scores(chain.run(YOUNGEST), YOUNGEST, variant="semi-supervised, N = 0")
    for n in NS:
        run = chain.taught(f"supervised-{n}", YOUNGEST, manual[:n], carried=False)
        yield from chain.scores(run, YOUNGEST, variant=f"supervised, N = {n}")
        run = chain.taught(f"semi-{n}", YOUNGEST, (*manual[:n], *trusted))
        yield from chain.scores(run, YOUNGEST, variant=f"semi-supervised, N = {n}")


def weights(chain: Chain) -> Iterator[dict]:
    """Networks of every age from the same images and labels, with and without confidence in the loss."""
    for age in AGES:
        yield from chain.scores(chain.run(age), age, variant="weighted")
        run = chain.taught(f"unweighted-{age}m", age, chain.trusted(age, K, weighted=False))
        yield from chain.scores(run, age, variant="unweighted")


def ranks(chain: Chain) -> Iterator[dict]:
    """Trust in every unlabelled image, and how good its answer is."""
    for age in AGES:
        truth = {infant.id: infant.labels for infant in chain.images("unlabelled", age)}
        for place, each in enumerate(chain.ranked(age), 1):
            dice = dice_of_tissues(each.infant.labels, truth[each.infant.id])
            yield {"split": chain.split.number, "age": age, "image": each.infant.id, "person": each.infant.person,
                   "place": place, "trust": each.trust, **dice}  # fmt: skip


def windows(chain: Chain) -> Iterator[dict]:
    """Ways to ask the network of 24 months about the scans of 24 months."""
    net = chain.net(chain.run(24))

    def timed(way: str, seen: torch.Tensor) -> tuple[list[torch.Tensor], float]:
        start = time.perf_counter()
        if way.startswith("cubes"):
            answers = [*in_cubes(net, seen, stride=int(way.split()[1]))]
        else:
            answers = [(both_ways if way.endswith("both ways") else in_whole)(net, seen)]
        return [answer.argmax(0).cpu() for answer in answers], time.perf_counter() - start

    for infant in chain.images("test", 24):
        for way in ("whole", "whole, both ways", "cubes 16", "cubes 8"):

            def score(way: str = way, infant=infant) -> dict:
                answers, seconds = timed(way, torch.from_numpy(infant.images).to(chain.train.device))
                dice = [dice_of_tissues(answer.numpy(), infant.labels) for answer in answers]
                return {"dice": dice, "seconds": seconds}

            found = kept(
                chain.run(24) / "windows" / way.replace(", ", "-").replace(" ", "-") / f"{infant.id}.json", score
            )
            for name, dice in zip(("mean", "votes"), found["dice"], strict=False):
                variant = f"{way}, {name}" if way.startswith("cubes") else way
                yield {"split": chain.split.number, "variant": variant, "age": 24, "person": infant.person,
                       "image": infant.id, **dice, "seconds": found["seconds"]}  # fmt: skip


def confidence(chain: Chain) -> Iterator[dict]:
    """Confidence in the labels of images that nobody has learnt from, and whether they are right."""
    for age in (24, *AGES):
        before, nets = BEFORE.get(age, 24), []
        for infant in chain.images("test", age):

            def tell(before: int = before, infant=infant, nets: list = nets) -> dict:
                if not nets:
                    nets.extend(chain.net(chain.run(before, kind)) for kind in ("tissue", "confidence"))
                found = judge_infant(*nets, infant).infant
                inside = found.labels > 0
                return reliability(found.weights[inside], found.labels[inside] == infant.labels[inside])

            counted = kept(chain.run(before, "confidence") / "reliability" / f"{infant.id}.json", tell)
            yield {"split": chain.split.number, "age": age, "variant": f"{before}m nets", "person": infant.person,
                   "image": infant.id, **counted}  # fmt: skip


EXPERIMENTS = {
    "transfer": transfer, "k": numbers, "supervised": supervised, "weights": weights, "order": ranks,
    "confidence": confidence, "windows": windows,
}  # fmt: skip
AGAINST = {
    "transfer": {"proposed": "24m net", "net of the age before": "24m net"},
    "k": {f"K = {k}": f"K = {K}" for k in KS if k != K},
    "supervised": {f"semi-supervised, N = {n}": f"supervised, N = {n}" for n in NS},
    "weights": {"weighted": "unweighted"},
    "windows": {way: "cubes 8, mean" for way in ("whole", "whole, both ways", "cubes 16, mean", "cubes 16, votes",
                                                 "cubes 8, votes")},
}  # fmt: skip
"""Experiment -> variant -> what it is compared with."""


def draw_reliability(steps: pd.DataFrame, out: Path) -> None:
    """Draw the share of right labels over the confidence in them, a line an age."""
    with chart(out, "Share of right labels over the confidence in them", (4.2, 4.0)) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#9aa3ae", linewidth=1, linestyle="--")
        for age, own in steps.dropna().groupby("age", sort=False):
            axes.plot(own["confidence"], own["right"], marker=".", label=f"{age} months")
        axes.set(xlabel=f"confidence, mean of {BINS} steps", ylabel="share of right labels", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)


def run(name: str, chains: list[Chain], out: Path) -> None:
    """Make one experiment and write its tables."""
    images = pd.DataFrame([row for chain in chains for row in EXPERIMENTS[name](chain)])
    if name == "order":
        table = order(images)
    elif name == "confidence":
        steps = curve(images)
        write_table(steps, out / "confidence_curve.tsv", float_format="%.5g")
        draw_reliability(steps, out / "confidence_curve.svg")
        lists = ["voxels", "confidence", "right"]
        told = pd.DataFrame([calibration(*row) for row in images[lists].itertuples(index=False)])
        images = pd.concat([images.drop(columns=lists), told], axis=1)
        table = summary(images, {}, ("right", "confidence", "error"))
    else:
        measures = (*TISSUES, "mean", "seconds") if name == "windows" else (*TISSUES, "mean")
        table = summary(images, AGAINST[name], measures)
    write_table(images, out / f"{name}_images.tsv", float_format="%.5g")
    write_table(table, out / f"{name}.tsv", float_format="%.5g")
    print(table.to_string(index=False, float_format="%.3f"))


def main(argv: list[str] | None = None) -> None:
    """Make the experiments asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="+", choices=[*EXPERIMENTS, "all"])
    for name in ("kit", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument(
        "--splits", type=int, choices=range(1, SPLITS + 1), default=2, help="of three people to test on"
    )
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=300, help="of each network (default: 300)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare examples")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args(argv)
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    infants = {infant.person: infant for infant in kit_infants(asked.kit)}
    train = InfantTraining(asked.width, asked.steps, "muon", find_device(asked.device), asked.workers)
    splits = [split_of(sorted(infants), number) for number in range(asked.splits)]
    chains = [Chain(split, infants, asked.work, train) for split in splits]
    for chain in chains:
        chain.make()
    for name in EXPERIMENTS if "all" in asked.experiment else asked.experiment:
        run(name, chains, asked.out)


if __name__ == "__main__":
    main()
