"""A library's folder on disk: ``T1w.nii.gz``, ``dseg.nii.gz`` and their notes; needs no torch."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.errors import ModelError
from cerebbids.systems.grid import Grid

FILES = IMAGES, LABELS = "T1w.nii.gz", "dseg.nii.gz"
LIBRARY_NOTES = "library.toml"
"""What says of a library's folder what it holds."""
_MEND = "make the library again with cerebbids-train library"


@dataclass(frozen=True)
class LibraryFiles:
    """A library that fits, none of whose voxels has been read.

    Parameters
    ----------
    images, labels : Nifti1Image
        (X, Y, Z, M), uint8: T1w volumes, and values of the label table.
    sources : tuple of str
        People that the members were made from.
    licence : str
    sha256 : str
        Of both files.
    """

    images: nib.Nifti1Image
    labels: nib.Nifti1Image
    sources: tuple[str, ...]
    licence: str
    sha256: str


def open_library(folder: Path, grid: Grid, scheme: str) -> LibraryFiles:
    """Open a library and check all but its voxels.

    Parameters
    ----------
    folder : Path
    grid : Grid
        Where its images have to lie.
    scheme : str
        Label scheme that they have to have.

    Raises
    ------
    ModelError
        Something is missing, damaged, or made for another grid or scheme.
    """
    if not (folder / LIBRARY_NOTES).is_file():
        raise ModelError(str(folder), f"holds no library (no {LIBRARY_NOTES})", "make one with cerebbids-train library")
    try:
        told = tomllib.loads((folder / LIBRARY_NOTES).read_text(encoding="utf-8"))
        images, labels = (nib.load(folder / name) for name in FILES)
        files = LibraryFiles(images, labels, tuple(told["sources"]), told["licence"], told["sha256"])
        misfit = _misfit(told, files, grid, scheme)
    except (OSError, KeyError, TypeError, ValueError, nib.filebasedimages.ImageFileError) as error:
        raise ModelError(str(folder), f"is no library that can be read ({error})", _MEND) from error
    if misfit or library_sha256(folder) != files.sha256:
        raise ModelError(str(folder), misfit or "is damaged (sha256 differs)", _MEND)
    return files


def library_sha256(folder: Path) -> str:
    """Hash of a library's images and labels."""
    return hashlib.sha256((folder / IMAGES).read_bytes() + (folder / LABELS).read_bytes()).hexdigest()


def _misfit(told: dict, files: LibraryFiles, grid: Grid, scheme: str) -> str:
    if told["scheme"] != scheme:
        return f'has the label scheme "{told["scheme"]}", not {scheme}'
    for image in (files.images, files.labels):
        if image.shape != (*grid.shape, told["members"]) or not np.allclose(image.affine, grid.affine):
            return "has images on another grid"
    return ""
