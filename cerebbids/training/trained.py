"""Finished runs: their networks, and runs without what only going on would need."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from cerebbids.errors import UsageError
from cerebbids.files import atomic
from cerebbids.nets.build import build
from cerebbids.training.checkpoint import averaged_weights, progress
from cerebbids.training.run import CHECKPOINT, NOTES, read_notes


def check_finished(run: Path) -> None:
    """Refuse a run that has not come to its last step.

    Raises
    ------
    UsageError
        It has not, or has not been begun.
    """
    if not (run / CHECKPOINT).exists():
        raise UsageError(str(run), "has not been begun", "train it with cerebbids-train")
    recipe, done = read_notes(run)[0], progress(run / CHECKPOINT)
    if done.step != recipe.steps:
        raise UsageError(str(run), f"has done {done.step} of {recipe.steps} steps", "go on with --resume")


def half_weights(run: Path) -> dict[str, torch.Tensor]:
    """Averaged weights of a run as a bundle has them: kernels in half precision, the few other numbers as they are.

    The variances that batch normalisation keeps may be smaller than half precision can tell.
    """
    weights = averaged_weights(run / CHECKPOINT).items()
    return {key: (value.half() if value.ndim > 1 else value).contiguous() for key, value in weights}


def trained_net(run: Path) -> torch.nn.Module:
    """Network of a finished run, with its averaged weights.

    Raises
    ------
    UsageError
        As :func:`check_finished`.
    """
    check_finished(run)
    recipe, _ = read_notes(run)
    net = build(recipe.architecture, recipe.sizes)
    net.load_state_dict(averaged_weights(run / CHECKPOINT))
    return net.to(memory_format=torch.channels_last_3d).eval()


def keep_result(run: Path, target: Path) -> None:
    """Copy a run's averaged weights, in half precision, and its notes: a sixth of its size.

    Raises
    ------
    UsageError
        As :func:`check_finished`.
    """
    check_finished(run)
    done = progress(run / CHECKPOINT)
    target.mkdir(parents=True, exist_ok=True)
    weights = {f"average.{key}": value for key, value in half_weights(run).items()}
    told = {"step": str(done.step), "seconds": str(done.seconds)}
    with atomic(target / CHECKPOINT) as draft:
        save_file(weights, draft, told)
    shutil.copyfile(run / NOTES, target / NOTES)
