"""Model bundles: a folder with ``model.toml``, the weights of a system's networks and a model card; needs no torch."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from cerebbids.errors import ModelError
from cerebbids.nets.sizes import Sizes
from cerebbids.systems.grid import Grid
from cerebbids.systems.published import SYSTEMS

ARCHITECTURES = ("unet", "dpn", "superres", "contrast", "deform", "adunet", "multistream", "ageunet")
"""Networks that :func:`cerebbids.nets.build.build` can make."""
DPN_LEVELS = 4
"""Resolutions of a DPN, unless its sizes say another number."""
_AGAIN = "install the bundle again"


@dataclass(frozen=True)
class Network:
    """One network of a bundle.

    Parameters
    ----------
    architecture : str
        Module of ``cerebbids.nets``.
    sizes : mapping
        How wide and deep it is: arguments of its class.
    grid : Grid or None
        Where it looks, in the working space; none of one that looks at the image itself.
    weights : Path
    sha256 : str
        Of the weights.
    training_ids : tuple of str
        People that it was trained on.
    """

    architecture: str
    sizes: Sizes
    grid: Grid | None
    weights: Path
    sha256: str
    training_ids: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """What ``model.toml`` says.

    Parameters
    ----------
    folder : Path
    name, version, licence : str
    scheme : str
        Label scheme.
    networks : dict
        By their names in :class:`cerebbids.systems.system.System`; those of one of its methods, at least.
    """

    folder: Path
    name: str
    version: str
    licence: str
    scheme: str
    networks: Mapping[str, Network]

    def needed(self, method: str) -> dict[str, Network]:
        """Networks of a method, by their names.

        Raises
        ------
        ModelError
            The bundle lacks one of them.
        """
        names = SYSTEMS[self.name].methods[method]
        if lacking := [name for name in names if name not in self.networks]:
            others = len(SYSTEMS[self.name].methods) > 1
            reason = f"has no network {lacking[0]}, which {f'--method {method}' if others else self.name} needs"
            mend = f"choose another {'method, or another ' if others else ''}--models-dir"
            raise ModelError(str(self.folder / "model.toml"), reason, mend)
        return {name: self.networks[name] for name in names}

    @property
    def library(self) -> Path:
        """Folder of the library of labelled cerebella."""
        return self.folder / "library"

    @property
    def sha256(self) -> str:
        """Hash of all weights."""
        return hashlib.sha256("".join(net.sha256 for net in self.networks.values()).encode()).hexdigest()

    @property
    def title(self) -> str:
        """Name, version and the first digits of the weights' hash: two trainings of one version are told apart."""
        return f"{self.name} {self.version}+{self.sha256[:8]}"


def packaged_models() -> Path:
    """Folder of the bundles that travel with the package."""
    return Path(str(resources.files("cerebbids.data") / "models"))


def available_systems(models_dir: Path | str | None) -> frozenset[str]:
    """Systems of which there is a bundle, whole or not, where :func:`read_bundle` would look."""
    folder = Path(models_dir or packaged_models())
    return frozenset(system for system in SYSTEMS if (folder / system / "model.toml").is_file())


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
        Nothing there, a missing key, networks, labels or boxes that do not fit the system, or weights that are
        not the ones the bundle was made with.
    """
    folder = Path(models_dir or packaged_models()) / system
    toml = folder / "model.toml"
    if not toml.is_file():
        raise ModelError(str(toml), "no such file", "give --models-dir a folder with one bundle a system")
    try:
        bundle = _from_toml(folder, tomllib.loads(toml.read_text()), system)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(str(toml), f"cannot be read ({error})", _AGAIN) from error
    for misfit in _misfits(bundle, system):
        raise ModelError(str(toml), misfit, "take a bundle made for this system and version")
    for net in bundle.networks.values():
        if not net.weights.is_file() or _sha256(net.weights, net.weights.stat().st_mtime_ns) != net.sha256:
            raise ModelError(str(net.weights), "missing or damaged (sha256 differs)", _AGAIN)
    return bundle


def _misfits(bundle: Bundle, system: str) -> Iterator[str]:
    """Why the bundle cannot be used for the system."""
    if bundle.name != system:
        yield f'is named "{bundle.name}", not "{system}"'
    if bundle.scheme != SYSTEMS[system].scheme:
        yield f'has the label scheme "{bundle.scheme}", {system} has {SYSTEMS[system].scheme}'
    methods, channels = SYSTEMS[system].methods, SYSTEMS[system].channels
    if not any(bundle.networks.keys() >= set(needed) for needed in methods.values()):
        yield f"lacks networks for every method ({', '.join(methods)})"
    for name, net in bundle.networks.items():
        if net.architecture not in ARCHITECTURES:
            yield f'has the architecture "{net.architecture}" for {name}, not {" or ".join(ARCHITECTURES)}'
        if name in channels:  # the others label nothing
            # Of networks with several streams, all their channels.
            told = {"channels_in": sum(net.sizes.get("streams", ())), **net.sizes}  # type: ignore[arg-type]
            for key, wanted in zip(("channels_in", "classes"), channels[name], strict=True):
                if told.get(key) != wanted:
                    yield f"has a network ({name}) with {key} {told.get(key)}, not {wanted}"
        if name in SYSTEMS[system].tiled and net.architecture == "unet" and net.sizes.get("norm") != "batch":
            yield f"has a network ({name}) that sees the statistics of each piece that it is asked about"
        if net.grid is None:
            continue
        if not net.grid.is_symmetric:
            yield f"has a grid ({name}) that is not symmetric about x = 0, as averaging with the mirror image needs"
        halvings = _halvings(net)
        if any(side % 2**halvings for side in net.grid.shape):
            yield f"has a grid ({name}) of {net.grid.shape} voxels, which cannot be halved {halvings} times"
    for name, grid in SYSTEMS[system].grids.items():
        if name in bundle.networks and bundle.networks[name].grid != grid:
            yield f"has a grid ({name}) that is not that of {system}"


def _halvings(net: Network) -> int:
    """How often the network halves its grid; those that work on strides once more."""
    if net.architecture == "dpn":
        return int(net.sizes.get("levels", DPN_LEVELS)) - 1  # type: ignore[arg-type]
    strides = net.architecture in ("contrast", "deform")
    return strides + len(net.sizes.get("widths", (1,))) - 1  # type: ignore[arg-type]


def _from_toml(folder: Path, told: dict, system: str) -> Bundle:
    networks = {name: _network(folder, told[name]) for name in SYSTEMS[system].grids if name in told}
    return Bundle(folder, told["name"], told["version"], told["licence"], told["scheme"], networks)


def _network(folder: Path, told: dict) -> Network:
    grid = told.get("grid")
    return Network(
        architecture=told["architecture"],
        sizes={key: tuple(size) if isinstance(size, list) else size for key, size in told["sizes"].items()},
        grid=Grid(tuple(grid["origin"]), tuple(grid["shape"]), grid["spacing"]) if grid else None,
        weights=folder / told["file"],
        sha256=told["sha256"],
        training_ids=tuple(told["training"]["ids"]),
    )


@cache
def _sha256(path: Path, _modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
