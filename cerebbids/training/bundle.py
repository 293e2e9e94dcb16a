"""Finished runs as a model bundle: ``model.toml`` and weights, each written whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save, save_file

from cerebbids import __version__
from cerebbids.errors import UsageError
from cerebbids.files import atomic, write_text
from cerebbids.inference.libraryfiles import FILES, LIBRARY_NOTES
from cerebbids.inference.models import available_systems, packaged_models
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import Grid
from cerebbids.systems.system import System
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen, open_run, read_notes
from cerebbids.training.trained import check_finished, half_weights

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What of a network's state no step of the optimiser moves."""


def export(runs: Mapping[str, Path], library: Path, models: Path, keep: bool = False) -> Path:
    """Write the averaged weights of finished runs, in half precision, and a library as the bundle of DeepCERES.

    Parameters
    ----------
    runs : mapping
        Network -> folder of its run.
    library : Path
        Folder of the library of generated exemplars.
    models : Path
        Gets ``deepceres/model.toml``, ``deepceres/<network>.safetensors`` and ``deepceres/library``.
    keep : bool
        Whether networks whose runs are not there stay in the bundle as they are; in a new one, as in packaged ones.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    UsageError
        A run has not been begun, or has not come to its last step, or its network is none of the system's; or there
        is no library.
    """
    folder = models / DEEPCERES.name
    if not (library / LIBRARY_NOTES).exists():
        raise UsageError(str(library), "is not there", "make it with cerebbids-train exemplars")
    _write_bundle(DEEPCERES, runs, folder, keep)
    copy_library(library, folder / "library")
    return folder


def export_networks(system: System, runs: Mapping[str, Path], models: Path, keep: bool = False) -> Path:
    """Write the averaged weights of finished runs, in half precision, as the bundle of a system without a library.

    Parameters, result and errors are those of :func:`export`.
    """
    folder = models / system.name
    _write_bundle(system, runs, folder, keep)
    return folder


def _write_bundle(system: System, runs: Mapping[str, Path], folder: Path, keep: bool) -> None:
    kept = _kept(system, folder, {name for name, run in runs.items() if not run.exists()}) if keep else {}
    for name in [name for name in runs if name not in kept] or runs:  # of kept ones alone it would be nobody's
        check_finished(runs[name])
        _check_channels(system, name, runs[name])
    for source, section in kept.values():
        if source != folder:
            _copy(source / section["file"], folder / section["file"])
    told = {
        name: kept[name][1] if name in kept else _write_network(name, run, folder, system.grids[name])
        for name, run in runs.items()
    }
    licence = licence_of(system.licence, told)
    head = {"name": system.name, "version": __version__, "licence": licence, "scheme": system.scheme}
    write_text(folder / "model.toml", "\n".join(_as_toml({**head, **told})) + "\n")


def _kept(system: System, folder: Path, names: set[str]) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Where networks are that need not be trained, and their sections: in the bundle, or else in packaged ones.

    The system's own comes first; what finds the brain is the same network in some systems.
    """
    packaged = sorted(available_systems(None), key=lambda other: other != system.name)
    sources = [folder] if (folder / "model.toml").exists() else [packaged_models() / other for other in packaged]
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for source in sources:
        found |= {name: (source, told) for name, told in _sections(source, names - found.keys()).items()}
    return found


def _check_channels(system: System, name: str, run: Path) -> None:
    """Refuse a network that sees, or tells, something else than the system's."""
    if name not in system.channels:
        return
    sizes = read_notes(run)[0].sizes
    told = sizes.get("channels_in", sum(sizes.get("streams", ()))), sizes["classes"]
    if told != system.channels[name]:
        given, wanted = (" and ".join(map(str, each)) for each in (told, system.channels[name]))
        reason = f"has {given} channels and classes, where {name} of {system.name} has {wanted}"
        raise UsageError(str(run), reason, "train it on images of the contrasts that the system shows")


def licence_of(usual: str, networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Terms of a bundle's weights: the system's, but for networks that have learnt from people of a BIDS dataset.

    Parameters
    ----------
    usual : str
        Terms of the system.
    networks : mapping
        Name -> section of ``model.toml``.

    Examples
    --------
    >>> licence_of("CC-BY-NC-SA-4.0", {"place": {"training": {"ids": (), "atlas": ()}}})
    'CC-BY-NC-SA-4.0'
    >>> own = {"training": {"ids": ("sub-01",), "atlas": ()}}
    >>> licence_of("CC-BY-NC-SA-4.0", {"place": {"training": {"ids": (), "atlas": ()}}, "brain": own})
    'terms of the images that it learnt from (brain); CC-BY-NC-SA-4.0 (place)'
    """
    own = [name for name, told in networks.items() if any(map(_is_bids, _people(told["training"])))]
    others = [name for name in networks if name not in own]
    if not own:
        return usual
    terms = f"terms of the images that {'they' if len(own) > 1 else 'it'} learnt from ({', '.join(own)})"
    return terms + (f"; {usual} ({', '.join(others)})" if others else "")


def _people(training: Mapping[str, Any]) -> Iterator[str]:
    yield from (*training["ids"], *training["atlas"])


def _is_bids(name: str) -> bool:
    return name.startswith("sub-")


def _sections(folder: Path, names: set[str]) -> dict[str, Any]:
    """What ``model.toml`` of a bundle, if there is one, says of some networks."""
    toml = folder / "model.toml"
    told = tomllib.loads(toml.read_text(encoding="utf-8")) if toml.exists() else {}
    return {name: told[name] for name in names & told.keys()}


def unpack(folder: Path, net: str, run: Path) -> None:
    """Make a network of a bundle a finished run again, to build on it without training it.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    net : str
        Its name there.
    run : Path
        Gets the weights, as :func:`cerebbids.training.trained.keep_result` keeps them, and the notes.
    """
    told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))[net]
    how = {key: tuple(part) if isinstance(part, list) else part for key, part in told["training"].items()}
    seen = Seen(*(how.pop(key) for key in ("ids", "surroundings", "atlas")))
    sizes = {key: tuple(size) if isinstance(size, list) else size for key, size in told["sizes"].items()}
    recipe = Recipe(net, architecture=told["architecture"], sizes=sizes, **how)
    saved = open_run(run, recipe, seen, resume=False)
    weights = {f"average.{key}": value for key, value in load_file(folder / told["file"]).items()}
    with atomic(saved) as draft:
        save_file(weights, draft, {"step": str(recipe.steps), "seconds": "0"})


def copy_library(source: Path, target: Path) -> None:
    """Copy a library, its notes last: without them it is none."""
    (target / LIBRARY_NOTES).unlink(missing_ok=True)
    for name in (*FILES, LIBRARY_NOTES):
        _copy(source / name, target / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic(target) as draft:
        shutil.copyfile(source, draft)


def _write_network(name: str, run: Path, folder: Path, grid: Grid | None) -> dict[str, Any]:
    """Write a network's weights; return its section of ``model.toml``."""
    recipe, seen = read_notes(run)
    weights = half_weights(run)
    blob, file = save(weights), f"{name}.safetensors"
    with atomic(folder / file) as draft:
        draft.write_bytes(blob)
    parameters = sum(v.numel() for key, v in weights.items() if not key.endswith(_STATISTICS))
    return {
        "architecture": recipe.architecture, "parameters": parameters, "file": file,
        "sha256": hashlib.sha256(blob).hexdigest(), "sizes": recipe.sizes, **({"grid": asdict(grid)} if grid else {}),
        "training": _training(recipe, seen),
    }  # fmt: skip


def _training(recipe: Recipe, seen: Seen) -> dict[str, Any]:
    known = ("net", "architecture", "sizes")
    how = {key: value for key, value in asdict(recipe).items() if key not in known}
    return {"ids": seen.people, "surroundings": seen.surroundings, "atlas": seen.atlas, **how}


def _as_toml(told: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """Lines of TOML; JSON's strings, numbers and lists are TOML's."""
    if section:
        yield f"\n[{section}]"
    yield from (f"{key} = {json.dumps(value)}" for key, value in told.items() if not isinstance(value, dict))
    for key, value in told.items():
        if isinstance(value, dict):
            yield from _as_toml(value, f"{section}.{key}" if section else key)
