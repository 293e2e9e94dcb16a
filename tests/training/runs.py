"""Runs that look as if they had been trained."""

from __future__ import annotations

from pathlib import Path

from cerebbids.nets.build import build
from cerebbids.training import checkpoint
from cerebbids.training.optimiser import Optimiser
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import CHECKPOINT, Seen, open_run


def untrained(run: Path, recipe: Recipe, seen: Seen, step: int | None = None) -> None:
    """Write the folder of a run that has come to a step, or to its last, with first weights."""
    net = build(recipe.architecture, recipe.sizes)
    saved = open_run(run, recipe, seen, resume=False)
    done = checkpoint.Progress(recipe.steps if step is None else step, 1.0)
    checkpoint.save(saved, net, net.state_dict(), Optimiser(net, recipe), done)
    assert saved.name == CHECKPOINT
