"""Labels of one age carried to younger ones: train, judge, keep the most trusted answers as labels, train on them.

Sun et al. 2020, section 3. Cohorts follow each other from the labelled one to those whose contrast is the least like
it. Each step trains a network for tissues on the cohort before and one that judges its answers, and takes the ``k``
infants of the next cohort whose answers it trusts most. Their answers are the labels of the next network, whose loss
counts every voxel by the confidence in it.

The second network learns from the answers that the first gives on the very infants it has learnt from, as in the text:
on others it errs more often, and the confidence may be too high. What is used of it is an order of images, and weights
of voxels beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cerebbids.errors import UsageError
from cerebbids.files import atomic
from cerebbids.inference.trust import confidence, shown
from cerebbids.inference.windows import both_ways
from cerebbids.training.confidence import judged
from cerebbids.training.infants import Infant
from cerebbids.training.notes import begin, hashed
from cerebbids.training.run import Seen

Train = Callable[[Path, str, tuple[Infant, ...], Seen], torch.nn.Module]
"""Trains a network in a folder, or goes on: ``tissue`` or ``confidence``, on whom, and whom it sees with them."""
NOTES, RANKING = "transfer.json", "ranking.tsv"
ANSWERS = "answers"
"""Folder of what the network of the cohort before says of each infant."""


@dataclass(frozen=True)
class Cohort:
    """Infants of one age: labelled ones for the first, unlabelled ones for those that follow."""

    name: str
    infants: tuple[Infant, ...]


@dataclass(frozen=True)
class Judged:
    """An infant's answer, and how far it is to be trusted.

    Parameters
    ----------
    infant : Infant
        With the most likely labels, and the confidence in each voxel as weights.
    trust : float
        Mean confidence over the voxels that have a label.
    """

    infant: Infant
    trust: float


def transfer(
    source: Cohort, targets: Sequence[Cohort], work: Path, train: Train, k: int = 10, *, weighted: bool = True
) -> dict[str, torch.nn.Module]:
    """Carry the labels of a cohort to others, one after the other.

    Parameters
    ----------
    source : Cohort
        All labelled.
    targets : sequence of Cohort
        In the order in which they are taught; their labels, if they have any, are not looked at.
    work : Path
        Gets ``<cohort>/tissue``, ``<cohort>/confidence`` and, of every target, ``<cohort>/answers`` and
        ``<cohort>/ranking.tsv``. Answers that are there are taken as they are: whoever goes on learns from the same.
    train : callable
    k : int
        How many of a target's infants are learnt from.
    weighted : bool
        Whether the loss counts voxels by confidence; else all are equal.

    Returns
    -------
    dict
        Networks for tissues by the names of the cohorts.

    Raises
    ------
    UsageError
        The folder was begun with others, or a network has no label for anybody of a cohort.
    """
    told = {"k": k, "weighted": weighted, "cohorts": [_told(each) for each in (source, *targets)]}
    begin(work / NOTES, told, "images, labels, --k or --unweighted")
    taught, name, seen = source.infants, source.name, Seen(people_of(source.infants))
    nets = {name: train(work / name / "tissue", "tissue", taught, seen)}
    for target in targets:
        answers = tuple(judged(infant, answer_of(nets[name], infant)) for infant in taught)
        judge = train(work / name / "confidence", "confidence", answers, seen)
        ranked = ranking(nets[name], judge, target.infants, work / target.name / ANSWERS)
        write_ranking(work / target.name / RANKING, ranked)
        name, taught = target.name, most_trusted(ranked, k, weighted=weighted)
        if not taught:
            raise UsageError(str(work / name), "no image got a label", "train for longer (--steps)")
        seen = seen_after(seen, taught)
        nets[name] = train(work / name / "tissue", "tissue", taught, seen)
    return nets


def _told(cohort: Cohort) -> dict:
    """Name of a cohort, and a hash of each infant's images and labels."""
    return {"name": cohort.name, "infants": {each.id: hashed((each.images, each.labels)) for each in cohort.infants}}


def people_of(infants: Sequence[Infant]) -> tuple[str, ...]:
    """Whose images they are, each once."""
    return tuple(sorted({infant.person for infant in infants}))


def seen_after(seen: Seen, taught: Sequence[Infant]) -> Seen:
    """Whom a network sees that learns from infants whose labels came from networks that saw others."""
    return Seen(people_of(taught), (), tuple(sorted({*seen.people, *seen.atlas})))


def most_trusted(ranked: Sequence[Judged], k: int, *, weighted: bool = True) -> tuple[Infant, ...]:
    """The first ``k`` of a ranking that have a label at all, to learn from."""
    labelled = [each.infant for each in ranked if each.infant.labels.any()][:k]
    return tuple(labelled if weighted else (replace(infant, weights=None) for infant in labelled))


def answer_of(net: torch.nn.Module, infant: Infant) -> torch.Tensor:
    """Probabilities (4, X, Y, Z) of background and tissues, on the CPU."""
    device = next(net.parameters()).device
    return both_ways(net, torch.from_numpy(infant.images).to(device)).cpu()


def judge_infant(net: torch.nn.Module, judge: torch.nn.Module, infant: Infant) -> Judged:
    """Label an infant, and tell how far the labels are to be trusted: not at all if there is none."""
    probabilities = answer_of(net, infant)
    device = next(judge.parameters()).device
    trusted = confidence(both_ways(judge, shown(probabilities).to(device)).cpu()).numpy()
    labels = probabilities.argmax(0).numpy().astype(np.uint8)
    answered = replace(infant, labels=labels, weights=trusted.astype(np.float32))
    return Judged(answered, float(trusted[labels > 0].mean()) if labels.any() else 0.0)


def kept_answer(path: Path, net: torch.nn.Module, judge: torch.nn.Module, infant: Infant) -> Judged:
    """An infant as :func:`judge_infant` judges it; read from ``path`` where that is there, else written to it."""
    if not path.exists():
        made = judge_infant(net, judge, infant)
        with atomic(path) as draft, open(draft, "wb") as file:
            np.savez_compressed(file, labels=made.infant.labels, weights=made.infant.weights, trust=made.trust)
    with np.load(path) as kept:
        return Judged(replace(infant, labels=kept["labels"], weights=kept["weights"]), float(kept["trust"]))


def ranking(net: torch.nn.Module, judge: torch.nn.Module, infants: Sequence[Infant], answers: Path) -> list[Judged]:
    """All infants of a cohort, the most trusted first; their answers are kept in a folder."""
    found = [kept_answer(answers / f"{infant.id}.npz", net, judge, infant) for infant in infants]
    return sorted(found, key=lambda each: (-each.trust, each.infant.id))


def write_ranking(path: Path, ranked: Sequence[Judged]) -> None:
    """Write who was trusted how far: ``id``, ``person``, ``trust``, the most trusted first."""
    rows = [(each.infant.id, each.infant.person, each.trust) for each in ranked]
    with atomic(path) as draft:
        pd.DataFrame(rows, columns=["id", "person", "trust"]).to_csv(draft, sep="\t", index=False, float_format="%.5f")
