"""A library of labelled cerebella: written to a folder, and read with every member's mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.files import atomic, write_text
from cerebbids.inference.inputs import standardise
from cerebbids.inference.libraryfiles import IMAGES, LABELS, LIBRARY_NOTES, library_sha256, open_library
from cerebbids.systems.grid import Grid


@dataclass(frozen=True)
class Library:
    """Labelled cerebella on one grid, each followed by its mirror image.

    Parameters
    ----------
    images : Tensor, (2M, X, Y, Z), float16
        T1w, standardised as networks see it.
    labels : Tensor, (2M, X, Y, Z), uint8
        Channels of the scheme, 0 background.
    classes : int
        Channels and background.
    sources : tuple of str
        People that the members were made from.
    licence : str
    sha256 : str
        Of both images.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: int
    sources: tuple[str, ...]
    licence: str
    sha256: str


def write_library(
    folder: Path, images: Sequence[np.ndarray], labels: Sequence[np.ndarray], grid: Grid, scheme: LabelScheme,
    *, sources: Sequence[str], licence: str, made: str,
) -> None:  # fmt: skip
    """Write a library's folder.

    Parameters
    ----------
    folder : Path
    images : sequence of ndarray (X, Y, Z), uint8
        T1w volumes on the grid.
    labels : sequence of ndarray (X, Y, Z), uint8
        Channels of the scheme.
    grid : Grid
    scheme : LabelScheme
    sources : sequence of str
        People that the members were made from.
    licence, made : str
        Licence, and how the members were made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = np.array((0, *scheme.indices), np.uint8)
    for name, volumes in ((IMAGES, images), (LABELS, [values[channels] for channels in labels])):
        stacked = nib.Nifti1Image(np.stack(volumes, -1).astype(np.uint8), grid.affine)
        stacked.header.set_xyzt_units("mm")
        with atomic(folder / name) as draft:
            nib.save(stacked, draft)
    told = {"scheme": scheme.name, "members": len(images), "licence": licence, "made": made}
    told["sha256"] = library_sha256(folder)
    lines = [f"{key} = {value if isinstance(value, int) else _quoted(value)}" for key, value in told.items()]
    write_text(folder / LIBRARY_NOTES, "\n".join([*lines, f"sources = [{', '.join(map(_quoted, sources))}]"]) + "\n")


def read_library(folder: Path, grid: Grid, scheme: str) -> Library:
    """Read a library and add the members' mirror images.

    Parameters
    ----------
    folder, grid, scheme
        As :func:`cerebbids.inference.libraryfiles.open_library` takes them.

    Raises
    ------
    ModelError
        As there.
    """
    files, known = open_library(folder, grid, scheme), load_scheme(scheme)
    t1w = _both_sides(np.asarray(files.images.dataobj))
    channels = np.zeros(256, np.uint8)
    channels[list(known.indices)] = np.arange(1, len(known.indices) + 1)
    named = _both_sides(channels[np.asarray(files.labels.dataobj)])
    named[1::2] = torch.from_numpy(np.array(known.mirror, np.uint8)[named[1::2].numpy()])
    seen = torch.empty(t1w.shape, dtype=torch.float16)
    for place, volume in enumerate(t1w):
        seen[place] = standardise(volume.float())
    return Library(seen, named, len(known.indices) + 1, files.sources, files.licence, files.sha256)


def _both_sides(volumes: np.ndarray) -> torch.Tensor:
    """(X, Y, Z, M) -> (2M, X, Y, Z): each volume and its mirror image (x -> -x)."""
    plain = torch.from_numpy(np.ascontiguousarray(np.moveaxis(volumes, -1, 0)))
    return torch.stack([plain, plain.flip(1)], 1).flatten(0, 1)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
