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


def start_from_shares(net: torch.nn.Module, shares: torch.Tensor) -> None:
    """Let an untrained U-Net answer with every class's share (classes,) of the voxels; saves a hundred steps."""
    with torch.no_grad():
        net.head.bias.copy_(shares.clamp(min=1e-7).log())
