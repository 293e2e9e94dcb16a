"""Training examples as a stream that can be entered at any place."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from cerebbids.training.recipe import Recipe


class Stream(Dataset):
    """Item ``k`` is the same for the same seed, whoever asks, in any order; subclasses say how one is drawn."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __len__(self) -> int:
        return self.recipe.steps * self.recipe.batch

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        if get_worker_info():
            torch.set_num_threads(1)  # the network has the other CPUs
        return self.draw(np.random.default_rng((self.recipe.seed, place)))

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one pair of input and target."""
        raise NotImplementedError
