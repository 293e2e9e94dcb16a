"""Is everything there that an image needs: whole weights, networks that fit them, and a processor that can run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from cerebbids.inference.device import ask, find_device
from cerebbids.inference.libraryfiles import open_library
from cerebbids.inference.models import Bundle, available_systems, read_bundle
from cerebbids.inference.segment import load_net
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.systems.published import SYSTEMS

PACKAGED = (DEEPCERES.name, INFANT.name)
"""Systems whose bundles travel with the package."""


def self_test(models_dir: Path | None = None, device: str = "auto") -> Iterator[str]:
    """Load all bundles and run a convolution; a line for the device and for every bundle that is whole.

    Parameters
    ----------
    models_dir : Path or None
        Folder of bundles; ``None`` is the packaged one.
    device : str
        As :func:`cerebbids.inference.device.find_device` takes it.

    Raises
    ------
    ModelError
        A bundle lacks something, is damaged or does not fit this version.
    UsageError
        The device is not there.
    RuntimeError
        The device is there, but this PyTorch was not made for it.
    """
    found = find_device(device)
    ask(torch.nn.Conv3d(1, 1, 3).to(found), torch.zeros(1, 1, 8, 8, 8, device=found))
    yield f"PyTorch {torch.__version__} on {_name(found)}"
    needed = (DEEPCERES.name,) if models_dir else PACKAGED
    for system in SYSTEMS:
        if system not in needed and system not in available_systems(models_dir):
            yield f"{system}: no bundle in {models_dir or 'this version'}"
            continue
        yield _tested(read_bundle(models_dir, system), found)


def _tested(bundle: Bundle, device: torch.device) -> str:
    for network in bundle.networks.values():
        load_net(network, device)
    told = f"{bundle.title}: all whole, {len(bundle.networks)} networks"
    if "deform" in bundle.networks:  # which registers the library's members
        library = open_library(bundle.library, bundle.networks["deform"].grid, bundle.scheme)
        told += f", library of {library.images.shape[3]}"
    return told


def _name(device: torch.device) -> str:
    if device.type == "cpu":
        return f"{torch.get_num_threads()} CPUs"
    return f"{torch.cuda.get_device_name(device)} ({torch.cuda.mem_get_info(device)[1] / 1e9:.0f} GB)"
