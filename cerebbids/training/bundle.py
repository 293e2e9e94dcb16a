"""A finished run as a model bundle: ``model.toml`` and weights, each written whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save

from cerebbids import __version__
from cerebbids.errors import UsageError
from cerebbids.files import atomic, write_text
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.checkpoint import averaged_weights, progress
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import CHECKPOINT, Seen, read_notes

LICENCE = "CC-BY-NC-SA-4.0"
WEIGHTS = "lobules.safetensors"


def export(run: Path, models: Path) -> Path:
    """Write the averaged weights of a finished run, in half precision, as the bundle of DeepCERES.

    Parameters
    ----------
    run : Path
        Folder of the run.
    models : Path
        Gets ``deepceres/model.toml`` and ``deepceres/lobules.safetensors``.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    UsageError
        The run has not come to its last step.
    """
    recipe, seen = read_notes(run)
    done = progress(run / CHECKPOINT)
    if done.step != recipe.steps:
        raise UsageError(str(run), f"has done {done.step} of {recipe.steps} steps", "go on with --resume")
    weights = {k: v.half().contiguous() for k, v in averaged_weights(run / CHECKPOINT).items()}
    blob = save(weights)
    folder = models / DEEPCERES.name
    with atomic(folder / WEIGHTS) as draft:
        draft.write_bytes(blob)
    parameters = sum(v.numel() for v in weights.values())
    write_text(folder / "model.toml", model_toml(recipe, seen, parameters, hashlib.sha256(blob).hexdigest()))
    return folder


def model_toml(recipe: Recipe, seen: Seen, parameters: int, sha256: str) -> str:
    """Text of ``model.toml`` (JSON values are TOML values here: strings, numbers and their lists)."""
    grid = DEEPCERES.grid
    net = ("widths", "channels_in")
    training = {key: value for key, value in asdict(recipe).items() if key not in (*net, "scheme")}
    sections = {
        "": {"name": "lobules-1mm-t1w", "version": __version__, "licence": LICENCE, "system": DEEPCERES.name},
        "net": {"architecture": "unet", **{key: getattr(recipe, key) for key in net}, "parameters": parameters},
        "grid": asdict(grid),
        "labels": {"scheme": recipe.scheme},
        "weights": {"file": WEIGHTS, "sha256": sha256},
        "training": {"ids": seen.people, "surroundings": seen.surroundings, "atlas": seen.atlas, **training},
    }
    lines = []
    for section, values in sections.items():
        lines += [f"\n[{section}]"] if section else []
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
