"""A finished run as a model bundle: ``model.toml`` and weights, each written whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save

from cerebbids import __version__
from cerebbids.files import atomic, write_text
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.checkpoint import averaged_weights
from cerebbids.training.loop import CHECKPOINT

LICENCE = "CC-BY-NC-SA-4.0"
WEIGHTS = "lobules.safetensors"


def export(run: Path, models: Path, ids: tuple[str, ...]) -> Path:
    """Write the averaged weights of a run, in half precision, as the bundle of DeepCERES.

    Parameters
    ----------
    run : Path
        Folder of the run.
    models : Path
        Gets ``deepceres/model.toml`` and ``deepceres/lobules.safetensors``.
    ids : tuple of str
        Everybody the run has seen.

    Returns
    -------
    Path
        The bundle's folder.
    """
    recipe = json.loads((run / "recipe.json").read_text())
    weights = {k: v.half().contiguous() for k, v in averaged_weights(run / CHECKPOINT).items()}
    blob = save(weights)
    folder = models / DEEPCERES.name
    with atomic(folder / WEIGHTS) as draft:
        draft.write_bytes(blob)
    write_text(folder / "model.toml", model_toml(recipe, ids, hashlib.sha256(blob).hexdigest(), weights))
    return folder


def model_toml(recipe: dict, ids: tuple[str, ...], sha256: str, weights: dict[str, torch.Tensor]) -> str:
    """Text of ``model.toml`` (JSON values are TOML values here: strings, numbers and their lists)."""
    grid = DEEPCERES.grid
    sections = {
        "": {"name": "lobules-1mm-t1w", "version": __version__, "licence": LICENCE, "system": DEEPCERES.name},
        "net": {
            "architecture": "unet",
            "widths": recipe["widths"],
            "channels_in": recipe["channels_in"],
            "parameters": sum(v.numel() for v in weights.values()),
        },
        "grid": {"origin": grid.origin, "shape": grid.shape, "spacing": grid.spacing},
        "labels": {"scheme": recipe["scheme"]},
        "weights": {"file": WEIGHTS, "sha256": sha256},
        "training": {
            "ids": [f"OASIS-{i}" for i in ids],
            "labels": "Diedrichsen2009 and CoBrALab lobules carried along T1w; Neuromorphometrics tissue and vermis",
            **{
                key: recipe[key]
                for key in ("steps", "cross_entropy_weight", "learning_rate", "weight_decay", "averaging", "seed")
            },
        },
    }
    lines = []
    for section, values in sections.items():
        lines += [f"\n[{section}]"] if section else []
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
