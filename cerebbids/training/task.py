"""A network to train, with all that it takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.data import Dataset

from cerebbids.training.loop import Loss
from cerebbids.training.run import Seen


@dataclass(frozen=True)
class Task:
    """A network to train, ready to start.

    Parameters
    ----------
    net : Module
        With its first weights.
    examples : Dataset
        As :func:`cerebbids.training.loop.fit` takes them.
    loss_of : callable
    seen : Seen
    """

    net: torch.nn.Module
    examples: Dataset
    loss_of: Loss
    seen: Seen
