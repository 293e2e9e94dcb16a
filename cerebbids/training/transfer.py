"""Labels of one age carried to younger ones: train, judge, keep the most trusted answers as labels, train on them.

Sun et al. 2020, section 3. Cohorts follow each other from the labelled one to those whose contrast is the least like
it. Each step trains a network for tissues on the cohort before and one that judges its answers, and takes the ``k``
infants of the next cohort whose answers it trusts most. Their answers are the labels of the next network, whose loss
counts every voxel by the confidence in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cerebbids.files import atomic
from cerebbids.inference.trust import confidence, shown
from cerebbids.inference.windows import in_cubes
from cerebbids.training.confidence import judged
from cerebbids.training.infants import Infant

Train = Callable[[Path, str, tuple[Infant, ...]], torch.nn.Module]
"""Trains a network in a folder, or goes on: ``tissue`` or ``confidence``, on whom."""
RANKING = "ranking.tsv"


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
        Gets ``<cohort>/tissue``, ``<cohort>/confidence`` and, of every target, ``<cohort>/ranking.tsv``.
    train : callable
    k : int
        How many of a target's infants are learnt from.
    weighted : bool
        Whether the loss counts voxels by confidence; else all are equal.

    Returns
    -------
    dict
        Networks for tissues by the names of the cohorts.
    """
    taught, name = source.infants, source.name
    nets = {name: train(work / name / "tissue", "tissue", taught)}
    for target in targets:
        answers = [judged(infant, answer_of(nets[name], infant)) for infant in taught]
        judge = train(work / name / "confidence", "confidence", tuple(answers))
        ranked = ranking(nets[name], judge, target.infants)
        write_ranking(work / target.name / RANKING, ranked)
        taught = tuple(each.infant if weighted else replace(each.infant, weights=None) for each in ranked[:k])
        name = target.name
        nets[name] = train(work / name / "tissue", "tissue", taught)
    return nets


def answer_of(net: torch.nn.Module, infant: Infant) -> torch.Tensor:
    """Probabilities (4, X, Y, Z) of background and tissues, on the CPU."""
    device = next(net.parameters()).device
    return in_cubes(net, torch.from_numpy(infant.images).to(device))[0].cpu()


def judge_infant(net: torch.nn.Module, judge: torch.nn.Module, infant: Infant) -> Judged:
    """Label an infant, and tell how far the labels are to be trusted."""
    probabilities = answer_of(net, infant)
    device = next(judge.parameters()).device
    trusted = confidence(in_cubes(judge, shown(probabilities).to(device))[0].cpu()).numpy()
    labels = probabilities.argmax(0).numpy().astype(np.uint8)
    answered = replace(infant, labels=labels, weights=trusted.astype(np.float32))
    return Judged(answered, float(trusted[labels > 0].mean()))


def ranking(net: torch.nn.Module, judge: torch.nn.Module, infants: Sequence[Infant]) -> list[Judged]:
    """All infants of a cohort, the most trusted first."""
    found = (judge_infant(net, judge, infant) for infant in infants)
    return sorted(found, key=lambda each: (-each.trust, each.infant.id))


def write_ranking(path: Path, ranked: Sequence[Judged]) -> None:
    """Write who was trusted how far: ``id``, ``person``, ``trust``, the most trusted first."""
    rows = [(each.infant.id, each.infant.person, each.trust) for each in ranked]
    with atomic(path) as draft:
        pd.DataFrame(rows, columns=["id", "person", "trust"]).to_csv(draft, sep="\t", index=False, float_format="%.5f")
