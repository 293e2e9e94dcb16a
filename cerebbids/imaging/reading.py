"""From a file to its grid and its voxels, or to what is wrong with it."""

from __future__ import annotations

import errno
import math
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy

from cerebbids.errors import BadImage, CerebbidsError
from cerebbids.imaging.forms import check_side

VOXEL_MM = (0.3, 3.0)
FIELD_OF_VIEW_MM = (60.0, 1000.0)
OF_CUT_OUT_MM = 30.0
"""Least field of view of an image that shows a cerebellum alone."""
MAX_SHEAR_COSINE = 0.3
ROUNDING = 1e-4
"""Share by which a size may miss a limit, as headers hold the axes of a turned grid in single precision."""
COPY_AGAIN = "copy or convert it again"
CONVERT = "convert it to NIfTI"

READING_BYTES = 16
"""Memory for every voxel while a file is read: as the file has it, and as float32 before and after its scaling."""

MAX_RATIO = 1032
"""To what share of itself a packed file can have shrunk, by the format of gzip."""

nib.Nifti2Header.quaternion_threshold = -1e-12  # the rounding of numbers that it wrote itself exceeds nibabel's own

_ENDING = re.compile(r"\.(nii|hdr|img)(\.(gz|bz2|zst))?$", re.IGNORECASE)
_NOT_NIFTI = (nib.filebasedimages.ImageFileError, nib.tripwire.TripWireError, OSError, EOFError, zlib.error)
_IMPOSSIBLE = (ValueError, OverflowError, nib.spatialimages.HeaderDataError)
_DAMAGED = (OSError, EOFError, zlib.error, ValueError, OverflowError)


def open_image(path: Path, least_mm: float = FIELD_OF_VIEW_MM[0], volumes: int = 1) -> nib.Nifti1Pair:
    """Open a file, its voxels still on disk.

    Parameters
    ----------
    path : Path
    least_mm : float
        Field of view that it has at least: cut-outs have less than a head, and what a run made has what its image has.
    volumes : int
        How many it has.

    Raises
    ------
    BadImage
        Missing, empty or not NIfTI; not 3D, or of another number of volumes;
        without orientation, or with one that programs read in different ways;
        with axes that are singular or far from right angles; voxels outside 0.3 to 3 mm; field of view under 60 mm
        or over a metre; with fewer voxels than its header tells of.
    CerebbidsError
        The system cannot read it.
    """
    path = Path(path)
    if not path.is_file():
        raise BadImage(str(path), "does not exist", "check the dataset (git-annex or datalad: get the file)")
    if path.stat().st_size == 0:
        raise BadImage(str(path), "is empty", COPY_AGAIN)
    if not _ENDING.search(path.name):  # else nibabel would read it as another format
        raise BadImage(str(path), "is not a NIfTI image", CONVERT)
    try:
        with _told_by_system(path):
            image = nib.load(path)
            if isinstance(image, nib.Nifti1Pair):
                check_side(path, _raw_header(image))
    except _NOT_NIFTI as error:
        raise BadImage(str(path), "is not a NIfTI image", COPY_AGAIN) from error
    except _IMPOSSIBLE as error:
        reason = f"has a header with impossible numbers ({error})"
        raise BadImage(str(path), reason, "repair its qform (or vox_offset), or convert it again") from error
    if not isinstance(image, nib.Nifti1Pair):
        raise BadImage(str(path), "is not a NIfTI image", CONVERT)
    with _told_by_system(path):
        _check_size(path, image)
    _check_volumes(path, image.shape, volumes)
    _check_grid(path, image, least_mm)
    return image


def read_voxels(path: Path, image: nib.Nifti1Pair, dtype: type[np.number] = np.float32) -> np.ndarray:
    """Voxels of an opened file: an array of one's own, of a type that can hold what the file holds.

    It is 3D, or 4D where the file has more than one volume.

    Raises
    ------
    BadImage
        The file is truncated or damaged.
    CerebbidsError
        The system cannot read it.
    """
    try:
        with _told_by_system(path), np.errstate(over="ignore", invalid="ignore"):
            _check_memory(image.shape)
            return _to_the_end(image, dtype).reshape(image.shape[:3] + tuple(n for n in image.shape[3:] if n != 1))
    except _DAMAGED as error:
        raise BadImage(str(path), "is truncated or damaged", COPY_AGAIN) from error


@contextmanager
def _told_by_system(path: Path) -> Iterator[None]:
    """Tell what the system says of permissions, disks and memory, which is nothing about the image."""
    try:
        yield
    except MemoryError as error:
        reason = "needs more memory to be read than there is"
        raise CerebbidsError(str(path), reason, "give the run more memory, or crop the image") from error
    except OSError as error:
        if error.errno is None:  # said by a library
            raise
        if error.errno == errno.ENOENT and str(error.filename) != str(path):
            reason = f"has no {Path(error.filename).name} beside it"
            raise BadImage(str(path), reason, "copy both files of the pair, or convert it to one") from error
        reason = f"cannot be read ({error.strerror})"
        raise CerebbidsError(str(path), reason, "mend its permissions, or look at the disk") from error


def count_voxels(path: Path) -> int:
    """Voxels that the header tells of; 0 for a file that is no image, which others will say."""
    try:
        return math.prod(nib.load(path).shape)
    except Exception:  # whatever it is, it must not end the others
        return 0


def _raw_header(image: nib.Nifti1Pair) -> nib.Nifti1Header:
    """Header as it is in the file; that of the image has been repaired without a word."""
    with image.file_map.get("header", image.file_map["image"]).get_prepare_fileobj("rb") as file:
        return image.header_class.from_fileobj(file, check=False)


def _check_size(path: Path, image: nib.Nifti1Pair) -> None:
    """Refuse a header that tells of more than the file can hold, before memory is asked for."""
    told = math.prod(image.shape) * image.get_data_dtype().itemsize
    held = os.stat(image.file_map["image"].filename).st_size
    if told > held * (MAX_RATIO if _is_packed(image) else 1):
        raise BadImage(str(path), "is truncated or damaged (its header tells of more than there is)", COPY_AGAIN)


class _InPieces(nib.openers.ImageOpener):
    """A file that is asked for a bit at a time, as gzip of Python 3.12 holds what one call reads two times more."""

    def readinto(self, buffer: bytearray, /) -> int:
        """Fill a buffer as far as the file goes; give the number of bytes."""
        view, done = memoryview(buffer), 0
        while found := super().readinto(view[done : done + 2**20]):
            done += found
        return done


def _to_the_end(image: nib.Nifti1Pair, dtype: type[np.number]) -> np.ndarray:
    """Voxels of a file that was read to its end, as the checksum of a packed one is behind its voxels."""
    told = image.dataobj
    with _InPieces(image.file_map["image"].filename) as file:
        voxels = ArrayProxy(file, (told.shape, told.dtype, told.offset, told.slope, told.inter))
        values = np.asarray(voxels, dtype)
        while _is_packed(image) and file.read(2**20):
            pass
    return values


def _is_packed(image: nib.Nifti1Pair) -> bool:
    return not image.file_map["image"].filename.lower().endswith((".nii", ".img"))


def _check_memory(shape: tuple[int, ...]) -> None:
    """Ask for no more than the machine has, as the system may grant it and then end the program."""
    if READING_BYTES * math.prod(shape) > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        raise MemoryError


def _check_volumes(path: Path, shape: tuple[int, ...], volumes: int) -> None:
    if volumes == 1 and (len(shape) < 3 or any(n != 1 for n in shape[3:])):
        raise BadImage(str(path), f"has shape {shape}, not 3D", "give one volume")
    if volumes > 1 and (len(shape) < 4 or math.prod(shape[3:]) != volumes):
        raise BadImage(str(path), f"has shape {shape}, not {volumes} volumes", COPY_AGAIN)


def _check_grid(path: Path, image: nib.Nifti1Pair, least_mm: float) -> None:
    shape, header = image.shape, image.header
    if image.get_data_dtype().kind not in "iuf":
        raise BadImage(str(path), "has voxels that are not plain numbers", "convert it to a magnitude image")
    if not header["sform_code"] and not header["qform_code"]:
        raise BadImage(str(path), "does not say which side is left (no sform, no qform)", "set its orientation")
    axes = image.affine[:3, :3]
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(axes)) < 1e-6:
        raise BadImage(str(path), "has a singular affine", "repair its sform or qform")
    voxel = np.linalg.norm(axes, axis=0)
    if voxel.min() < VOXEL_MM[0] * (1 - ROUNDING) or voxel.max() > VOXEL_MM[1] * (1 + ROUNDING):
        sizes = " x ".join(f"{size:.3g}" for size in voxel)
        raise BadImage(str(path), f"has voxels of {sizes} mm, outside 0.3 to 3", "resample or re-acquire it")
    cosines = np.triu((axes / voxel).T @ (axes / voxel), 1)
    if np.abs(cosines).max() > MAX_SHEAR_COSINE:
        raise BadImage(str(path), "has axes far from right angles", "resample it to an unsheared grid")
    extent = voxel * shape[:3]
    if extent.min() < least_mm * (1 - ROUNDING):
        raise BadImage(str(path), f"has a field of view under {least_mm:.0f} mm", "give a whole head or brain")
    if extent.max() > FIELD_OF_VIEW_MM[1]:
        raise BadImage(str(path), f"has a field of view over {FIELD_OF_VIEW_MM[1]:.0f} mm", "crop it to the head")
