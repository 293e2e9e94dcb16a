"""The networks of one split of ``infant.py``, which all its experiments share, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from infantcohorts import AGES, BEFORE, COPIES, Split, images_of

from cerebbids.files import write_text
from cerebbids.training.infantnets import InfantTraining
from cerebbids.training.infants import TISSUES, Infant
from cerebbids.training.run import CHECKPOINT, Seen, check_unseen, read_notes
from cerebbids.training.trained import check_finished, trained_net
from cerebbids.training.transfer import ANSWERS, Cohort, Judged, answer_of, most_trusted, ranking, seen_after, transfer

K = 10
"""Images of a cohort that are learnt from, as in the text."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Labels carried from 24 months to 18, 12 and 6, once: trained when it is first asked for, then read.

    Parameters
    ----------
    split : Split
    infants : mapping
        Person -> image and labels of 24 months.
    work : Path
        Gets ``split-N``.
    train : InfantTraining
    """

    split: Split
    infants: Mapping[str, Infant]
    work: Path
    train: InfantTraining

    @property
    def folder(self) -> Path:
        """Of the split."""
        return self.work / f"split-{self.split.number}"

    @cache  # noqa: B019 - as long as the chain
    def images(self, role: str, age: int) -> tuple[Infant, ...]:
        """Images of the people in a role at an age."""
        return images_of(self.infants, getattr(self.split, role), age, COPIES.get(role, 1))

    def run(self, age: int, kind: str = "tissue") -> Path:
        """Folder of a network of the chain."""
        return self.folder / "transfer" / f"{age}m" / kind

    def make(self) -> None:
        """Train the chain, unless it is there."""
        last = self.run(AGES[-1])
        if not (last / CHECKPOINT).exists() or read_notes(last)[0] != self.train.recipe(
            "tissue", self.images("test", 6)
        ):
            source = Cohort("24m", self.images("source", 24))
            targets = [Cohort(f"{age}m", self.images("unlabelled", age)) for age in AGES]
            transfer(source, targets, self.folder / "transfer", self.train, K)
        check_finished(last)

    def net(self, run: Path) -> torch.nn.Module:
        """A finished network, which has seen nobody who is tested on."""
        check_unseen(run, self.split.test)
        return trained_net(run).to(self.train.device)

    def ranked(self, age: int) -> list[Judged]:
        """Answers on the unlabelled of an age, the most trusted first."""
        before, answers = BEFORE[age], self.folder / "transfer" / f"{age}m" / ANSWERS
        missing = [each for each in self.images("unlabelled", age) if not (answers / f"{each.id}.npz").exists()]
        net, judge = (self.net(self.run(before, kind)) if missing else None for kind in ("tissue", "confidence"))
        return ranking(net, judge, self.images("unlabelled", age), answers)

    def taught(self, name: str, age: int, infants: tuple[Infant, ...], *, carried: bool = True) -> Path:
        """Train one more network; return its run. ``carried`` tells whether it learns from labels of networks."""
        run = self.folder / name
        labelled = Seen(tuple(sorted({infant.person for infant in infants})))
        seen = seen_after(read_notes(self.run(BEFORE[age]))[1], infants) if carried else labelled
        self.train(run, "tissue", infants, seen)
        return run

    def trusted(self, age: int, k: int, *, weighted: bool = True) -> tuple[Infant, ...]:
        """The first ``k`` of the unlabelled of an age, with their answers as labels."""
        return most_trusted(self.ranked(age), k, weighted=weighted)

    def scores(self, run: Path, age: int, **told: object) -> list[dict]:
        """Rows of a network: Dice of every image that is tested on."""
        net: list[torch.nn.Module] = []

        def score(infant: Infant) -> dict[str, float]:
            if not net:
                net.append(self.net(run))
            return dice_of_tissues(answer_of(net[0], infant).argmax(0).numpy(), infant.labels)

        return [
            {"split": self.split.number, "age": age, **told, "person": infant.person, "image": infant.id,
             **kept(run / "scores" / f"{infant.id}.json", lambda each=infant: score(each))}
            for infant in self.images("test", age)
        ]  # fmt: skip


def kept(path: Path, make: Callable[[], dict]) -> dict:
    """What a file tells; it is made first if it is not there."""
    if not path.exists():
        write_text(path, json.dumps(make()))
    return json.loads(path.read_text(encoding="utf-8"))


def dice_of_tissues(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Dice of each tissue, in percent, and their mean.

    Examples
    --------
    >>> dice_of_tissues(np.array([0, 1, 2, 3, 3]), np.array([1, 1, 2, 3, 2]))["CSF"].__round__(1)
    66.7
    """
    masks = ((found == label, truth == label) for label in range(1, len(TISSUES) + 1))
    dice = [200.0 * float((a & b).sum()) / max(1, int(a.sum() + b.sum())) for a, b in masks]
    return {**dict(zip(TISSUES, dice, strict=True)), "mean": float(np.mean(dice))}
