"""Label maps as files: how they are checked, hashed and saved."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.data.labels import LabelScheme
from cerebbids.errors import BadImage
from cerebbids.files import atomic
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.reading import open_image, read_voxels

_LISTED = 5
"""Unknown values that an error names."""


def labels_sha256(labels: np.ndarray) -> str:
    """Hash of labels: of their values as uint8, the last axis running fastest, whatever type and order they have.

    Examples
    --------
    >>> labels = np.array([[0, 6], [106, 0]])
    >>> labels_sha256(labels) == labels_sha256(np.asfortranarray(labels, float)) != labels_sha256(labels.T)
    True
    """
    return sha256(np.ascontiguousarray(labels, np.uint8)).hexdigest()


def read_labels(path: Path, scheme: LabelScheme, like: nib.Nifti1Image) -> np.ndarray:
    """Read a label map that an editor may have written: as floating-point numbers, say, if they are whole.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme
        Whose labels it may hold, and 0.
    like : Nifti1Image
        Image that the labels are of, from a file, on their grid.

    Returns
    -------
    ndarray, (X, Y, Z), uint8

    Raises
    ------
    BadImage
        No NIfTI image, or a damaged one; on another grid; no label, or values that are none.
    """
    image = open_image(path, least_mm=0)
    check_grid(path, image, like)
    voxels = read_voxels(path, image)
    found = np.unique(voxels[voxels != 0])
    if unknown := np.setdiff1d(found, scheme.indices).tolist():
        listed = ", ".join(f"{value:g}" for value in unknown[:_LISTED]) + (", ..." if unknown[_LISTED:] else "")
        reason = f"has values that are no labels of seg-{scheme.name} ({listed})"
        raise BadImage(str(path), reason, f"give these voxels 0, or one of seg-{scheme.name}_dseg.tsv")
    if not found.size:
        raise BadImage(str(path), "has no label", "take it back from a copy, or move it away and run cerebbids again")
    return voxels.astype(np.uint8)


def is_changed(path: Path, noted: str) -> bool:
    """Whether the labels in a file, of whatever type, are others than those whose hash was noted.

    Raises
    ------
    BadImage
        No NIfTI image, or a damaged one.
    CerebbidsError
        The system cannot read it.
    """
    image = open_image(path, least_mm=0)
    if is_plain(image):  # as nearly all are: floating-point numbers would take three times as long
        return labels_sha256(read_voxels(path, image, np.uint8)) != noted
    voxels = read_voxels(path, image)
    with np.errstate(invalid="ignore"):  # what is no label is found by comparison
        labels = voxels.astype(np.uint8)
    return bool((labels != voxels).any()) or labels_sha256(labels) != noted


def check_grid(path: Path, image: nib.Nifti1Image, like: nib.Nifti1Image) -> None:
    """Refuse an image that is not on the grid of another one.

    Raises
    ------
    BadImage
        Its shape is another, or a voxel lies elsewhere.
    """
    if image.shape[:3] != like.shape[:3] or not np.allclose(image.affine, like.affine, atol=1e-3):
        name = Path(like.get_filename()).name
        raise BadImage(str(path), f"is not on the grid of {name}", "save it on that grid, neither cut nor resampled")


def is_plain(image: nib.Nifti1Pair) -> bool:
    """Whether an image's file holds labels as this program stores them: 3D, uint8, not scaled."""
    scaling = (image.dataobj.slope, image.dataobj.inter)
    return image.ndim == 3 and image.get_data_dtype() == np.uint8 and scaling == (1, 0)


def save_labels(labels: np.ndarray, like: nib.Nifti1Image, path: Path) -> None:
    """Save labels as uint8 on the grid of an image, atomically."""
    with atomic(path) as draft:
        nib.save(with_data(like, labels.astype(np.uint8)), draft)
