"""Networks of finished runs, and runs without what only going on would need."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from cerebbids.files import atomic
from cerebbids.nets.build import build
from cerebbids.training.checkpoint import averaged_weights, progress
from cerebbids.training.run import CHECKPOINT, NOTES, read_notes


def trained_net(run: Path) -> torch.nn.Module:
    """Network of a run, with its averaged weights."""
    recipe, _ = read_notes(run)
    net = build(recipe.architecture, recipe.sizes)
    net.load_state_dict({key: value.float() for key, value in averaged_weights(run / CHECKPOINT).items()})
    return net.to(memory_format=torch.channels_last_3d).eval()


def keep_result(run: Path, target: Path) -> None:
    """Copy a run's averaged weights, in half precision as a bundle has them, and its notes: a sixth of its size.

    Raises
    ------
    ValueError
        The run has not come to its last step.
    """
    recipe, done = read_notes(run)[0], progress(run / CHECKPOINT)
    if done.step != recipe.steps:
        raise ValueError(f"{run} has done {done.step} of {recipe.steps} steps")
    target.mkdir(parents=True, exist_ok=True)
    weights = {f"average.{k}": v.half().contiguous() for k, v in averaged_weights(run / CHECKPOINT).items()}
    told = {"step": str(done.step), "seconds": str(done.seconds)}
    with atomic(target / CHECKPOINT) as draft:
        save_file(weights, draft, told)
    shutil.copyfile(run / NOTES, target / NOTES)
