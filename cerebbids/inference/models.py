"""Model bundles: a folder with ``model.toml``, one ``*.safetensors`` file and a model card. Imports no torch."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from cerebbids.errors import ModelError
from cerebbids.systems.grid import Grid
from cerebbids.systems.published import SYSTEMS

ARCHITECTURES = ("unet",)
"""Networks that :func:`cerebbids.inference.segment.load_net` can build."""
CHANNELS_IN = 4
"""Channels of :func:`cerebbids.inference.inputs.network_input`: the image and three of position."""


@dataclass(frozen=True)
class Bundle:
    """What ``model.toml`` says.

    Parameters
    ----------
    folder : Path
    name, version, licence : str
    architecture : str
        Module of ``cerebbids.nets``.
    widths : tuple of int
        Feature channels of the net's levels.
    channels_in : int
        Image and position channels.
    scheme : str
        Label scheme.
    grid : Grid
        Where the net looks, in the working space.
    weights : Path
    sha256 : str
        Of the weights.
    training_ids : tuple of str
        Labelled people that the network was trained on.
    """

    folder: Path
    name: str
    version: str
    licence: str
    architecture: str
    widths: tuple[int, ...]
    channels_in: int
    scheme: str
    grid: Grid
    weights: Path
    sha256: str
    training_ids: tuple[str, ...]

    @property
    def title(self) -> str:
        """Name, version and the first digits of the weights' hash: two trainings of one version are told apart."""
        return f"{self.name} {self.version}+{self.sha256[:8]}"


def packaged_models() -> Path:
    """Folder of the bundles that travel with the package."""
    return Path(str(resources.files("cerebbids.data") / "models"))


def read_bundle(models_dir: Path | str | None, system: str) -> Bundle:
    """Read the bundle of a system, and check that this program can use it and that its weights are whole.

    Parameters
    ----------
    models_dir : path or None
        Folder with one folder a system; ``None`` is the packaged one.
    system : str
        ``deepceres``, say.

    Raises
    ------
    ModelError
        Nothing there, a missing key, a network, labels or box that do not fit the system, or weights that are
        not the ones the bundle was made with.
    """
    folder = Path(models_dir or packaged_models()) / system
    toml = folder / "model.toml"
    if not toml.is_file():
        raise ModelError(str(toml), "no such file", "give --models-dir a folder with one bundle a system")
    try:
        told = tomllib.loads(toml.read_text())
        bundle = _from_toml(folder, told)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(str(toml), f"cannot be read ({error})", "install the bundle again") from error
    if misfit := _misfit(bundle, system):
        raise ModelError(str(toml), misfit, "take a bundle made for this system and version")
    if not bundle.weights.is_file() or _sha256(bundle.weights, bundle.weights.stat().st_mtime_ns) != bundle.sha256:
        raise ModelError(str(bundle.weights), "missing or damaged (sha256 differs)", "install the bundle again")
    return bundle


def _misfit(bundle: Bundle, system: str) -> str:
    """Why the bundle cannot be used for the system, or nothing."""
    if bundle.architecture not in ARCHITECTURES:
        return f'has the architecture "{bundle.architecture}", not {" or ".join(ARCHITECTURES)}'
    if bundle.scheme != SYSTEMS[system].scheme:
        return f'has the label scheme "{bundle.scheme}", {system} has {SYSTEMS[system].scheme}'
    if bundle.channels_in != CHANNELS_IN:
        return f"has a network of {bundle.channels_in} input channels, not {CHANNELS_IN}"
    if not bundle.grid.is_symmetric:
        return "has a grid that is not symmetric about x = 0, as averaging with the mirror image needs"
    halvings = 2 ** (len(bundle.widths) - 1)
    if any(side % halvings for side in bundle.grid.shape):
        return f"has a grid of {bundle.grid.shape} voxels, which {len(bundle.widths)} levels cannot halve"
    return ""


def _from_toml(folder: Path, told: dict) -> Bundle:
    grid = told["grid"]
    return Bundle(
        folder=folder,
        name=told["name"],
        version=told["version"],
        licence=told["licence"],
        architecture=told["net"]["architecture"],
        widths=tuple(told["net"]["widths"]),
        channels_in=told["net"]["channels_in"],
        scheme=told["labels"]["scheme"],
        grid=Grid(tuple(grid["origin"]), tuple(grid["shape"]), grid["spacing"]),
        weights=folder / told["weights"]["file"],
        sha256=told["weights"]["sha256"],
        training_ids=tuple(told["training"]["ids"]),
    )


@cache
def _sha256(path: Path, _modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
