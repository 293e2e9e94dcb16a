"""From a file to its grid and its voxels, or to what is wrong with it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.errors import BadImage, CerebbidsError

VOXEL_MM = (0.3, 3.0)
MIN_FIELD_OF_VIEW_MM = 60.0
MAX_SHEAR_COSINE = 0.3
COPY_AGAIN = "copy or convert it again"

READING_BYTES = 16
"""Memory for every voxel while a file is read: as the file has it, and as float32 before and after its scaling."""

_NOT_NIFTI = (nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError, OSError)
_IMPOSSIBLE = (ValueError, OverflowError)
_DAMAGED = (OSError, EOFError, zlib.error, *_IMPOSSIBLE)


def open_image(path: Path) -> nib.Nifti1Pair:
    """Open a file, its voxels still on disk.

    Raises
    ------
    BadImage
        Missing, empty or not NIfTI; not 3D; without orientation, with axes that are singular or far from right
        angles; voxels outside 0.3 to 3 mm; field of view under 60 mm.
    CerebbidsError
        The system cannot read it.
    """
    path = Path(path)
    if not path.is_file():
        raise BadImage(str(path), "does not exist", "check the dataset (git-annex or datalad: get the file)")
    if path.stat().st_size == 0:
        raise BadImage(str(path), "is empty", COPY_AGAIN)
    try:
        with _told_by_system(path):
            image = nib.load(path)
    except _NOT_NIFTI as error:
        raise BadImage(str(path), "is not a NIfTI image", COPY_AGAIN) from error
    except _IMPOSSIBLE as error:
        reason = f"has a header with impossible numbers ({error})"
        raise BadImage(str(path), reason, "repair its qform (or vox_offset), or convert it again") from error
    if not isinstance(image, nib.Nifti1Pair):
        raise BadImage(str(path), "is not a NIfTI image", "convert it to NIfTI")
    _check_grid(path, image)
    return image


def read_voxels(path: Path, image: nib.Nifti1Pair, dtype: type[np.number] = np.float32) -> np.ndarray:
    """Voxels of an opened file: 3D, an array of one's own, of a type that can hold what the file holds.

    Raises
    ------
    BadImage
        The file is truncated or damaged.
    CerebbidsError
        The system cannot read it.
    """
    try:
        with _told_by_system(path):
            return np.asarray(image.dataobj, dtype).reshape(image.shape[:3])
    except _DAMAGED as error:
        raise BadImage(str(path), "is truncated or damaged", COPY_AGAIN) from error


@contextmanager
def _told_by_system(path: Path) -> Iterator[None]:
    """Tell what the system says of permissions, disks and memory, which is nothing about the image."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # said by a library
            raise
        reason = f"cannot be read ({error.strerror})"
        raise CerebbidsError(str(path), reason, "mend its permissions, or look at the disk") from error


def count_voxels(path: Path) -> int:
    """Voxels that the header tells of; 0 for a file that is no image, which others will say."""
    try:
        return math.prod(nib.load(path).shape)
    except Exception:  # whatever it is, it must not end the others
        return 0


def _check_grid(path: Path, image: nib.Nifti1Pair) -> None:
    shape, header = image.shape, image.header
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        raise BadImage(str(path), f"has shape {shape}, not 3D", "give one volume")
    if image.get_data_dtype().kind not in "iuf":
        raise BadImage(str(path), "has voxels that are not plain numbers", "convert it to a magnitude image")
    if not header["sform_code"] and not header["qform_code"]:
        raise BadImage(str(path), "does not say which side is left (no sform, no qform)", "set its orientation")
    axes = image.affine[:3, :3]
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(axes)) < 1e-6:
        raise BadImage(str(path), "has a singular affine", "repair its sform or qform")
    voxel = np.linalg.norm(axes, axis=0)
    if voxel.min() < VOXEL_MM[0] or voxel.max() > VOXEL_MM[1]:
        sizes = " x ".join(f"{size:.3g}" for size in voxel)
        raise BadImage(str(path), f"has voxels of {sizes} mm, outside 0.3 to 3", "resample or re-acquire it")
    cosines = np.triu((axes / voxel).T @ (axes / voxel), 1)
    if np.abs(cosines).max() > MAX_SHEAR_COSINE:
        raise BadImage(str(path), "has axes far from right angles", "resample it to an unsheared grid")
    if (voxel * shape[:3]).min() < MIN_FIELD_OF_VIEW_MM:
        raise BadImage(
            str(path), f"has a field of view under {MIN_FIELD_OF_VIEW_MM:.0f} mm", "give a whole head or brain"
        )
