"""The state of a training run in one safetensors file, written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, safe_open, save_file

from cerebbids.files import atomic
from cerebbids.training.optimiser import Optimiser


@dataclass(frozen=True)
class Progress:
    """Steps done and the seconds they took, all sessions together."""

    step: int = 0
    seconds: float = 0.0


def save(
    path: Path, net: torch.nn.Module, average: dict[str, torch.Tensor], optimiser: Optimiser,
    done: Progress,
) -> None:  # fmt: skip
    """Write net, averaged weights and the optimiser's moments to ``path``, whole or not at all."""
    tensors = {f"net.{k}": v for k, v in net.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()}
    tensors |= {f"moment.{k}": v for k, v in optimiser.moments().items()}
    kept = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with atomic(path) as draft:
        save_file(kept, draft, {"step": str(done.step), "seconds": str(done.seconds)})


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def restore(path: Path, net: torch.nn.Module, average: dict[str, torch.Tensor], optimiser: Optimiser) -> Progress:
    """Read what :func:`save` wrote into net, average and optimiser (on the device they are on)."""
    tensors = load_file(path)
    net.load_state_dict(_under(tensors, "net."))
    for key, value in _under(tensors, "average.").items():
        average[key].copy_(value)
    optimiser.load_moments(_under(tensors, "moment."))
    return progress(path)


def progress(path: Path) -> Progress:
    """How far the run of a checkpoint has come."""
    with safe_open(path, "pt") as stored:
        notes = stored.metadata()
    return Progress(int(notes["step"]), float(notes["seconds"]))


def averaged_weights(path: Path) -> dict[str, torch.Tensor]:
    """Averaged weights of a checkpoint."""
    return _under(load_file(path), "average.")
