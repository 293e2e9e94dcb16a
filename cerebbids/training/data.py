"""The prepared people as a stream of training examples that can be entered at any step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from cerebbids.training.augmentation import Case, augment
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream
from cerebbids.training.surroundings import Surroundings


def load_cases(work: Path, ids: tuple[str, ...]) -> tuple[Case, ...]:
    """Read the prepared people ``ids`` from ``<work>/people``."""
    cases = []
    for person in ids:
        with np.load(Path(work) / "people" / f"{person}.npz") as arrays:
            cases.append(Case(person, arrays["t1w"].astype(np.float32).clip(0), arrays["labels"]))
    return tuple(cases)


def class_shares(cases: tuple[Case, ...], classes: int) -> torch.Tensor:
    """Share of all voxels that each class has, (classes,), background first."""
    counts = sum(np.bincount(case.labels.ravel(), minlength=classes) for case in cases)
    return torch.from_numpy(counts / counts.sum()).float()


class Examples(Stream):
    """Example ``k`` is what step ``k`` trains on: the same for the same seed, whoever asks, in any order.

    Items are (input (channels, X, Y, Z) float32, labels (1, X, Y, Z) int64) on the whole grid: instance normalisation
    would take the absolute position out of a random crop.
    """

    def __init__(
        self, cases: tuple[Case, ...], around: tuple[Surroundings, ...], mirror: tuple[int, ...], recipe: Recipe
    ) -> None:
        super().__init__(recipe)
        self.cases, self.around, self.mirror = cases, around, mirror

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        case = self.cases[int(rng.integers(len(self.cases)))]
        return augment(case, self.around, self.mirror, int(rng.integers(2**31)))
