"""Is this file an image that can be processed, and if so in one plain form."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.errors import BadImage
from cerebbids.imaging.antsio import with_data

VOXEL_MM = (0.3, 3.0)
MIN_FIELD_OF_VIEW_MM = 60.0
MAX_SHEAR_COSINE = 0.3
BRIGHT_END = 1000.0
"""What the 99.5th percentile of the foreground becomes, so that no later step meets a strange scale."""

_COPY = "copy or convert it again"


def check_image(path: Path) -> None:
    """Refuse a file that cannot be processed, before any work is done.

    Parameters
    ----------
    path : Path
        The T1w image.

    Raises
    ------
    BadImage
        Missing, empty, truncated or not NIfTI; not 3D; without orientation, with axes that are singular or
        far from right angles; voxels outside 0.3 to 3 mm; field of view under 60 mm; no finite, or only one,
        value.
    """
    _check_values(path, _read(path))


def conform(path: Path) -> nib.Nifti1Image:
    """Read an image as 3D float32 on the grid of the file, its bright end at 1000.

    The sform gives the grid, the qform where there is no sform. NaN and infinities become 0. Small negative
    values (ringing of an interpolation) become 0 as well; an image that was centred on its mean is lifted.

    Parameters
    ----------
    path : Path
        The T1w image.

    Raises
    ------
    BadImage
        As `check_image`.
    """
    image = _read(path)
    _check_values(path, image)
    data = np.nan_to_num(_values(image), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(data, (1, 99))
    if low < -0.05 * abs(high):
        data = data - data.min() * (data != 0)
    data = np.maximum(data, 0)
    data *= BRIGHT_END / np.percentile(data[data > 0], 99.5)
    return with_data(image, data.astype(np.float32))


def _read(path: Path) -> nib.Nifti1Image:
    """Open a file with its voxels, or say why it cannot be."""
    path = Path(path)
    if not path.is_file():
        raise BadImage(str(path), "does not exist", "check the dataset (git-annex or datalad: get the file)")
    if path.stat().st_size == 0:
        raise BadImage(str(path), "is empty", _COPY)
    try:
        image = nib.load(path)
    except (nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError, OSError) as error:
        raise BadImage(str(path), "is not a NIfTI image", _COPY) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise BadImage(str(path), "is not a NIfTI image", "convert it to NIfTI")
    _check_grid(path, image)
    try:
        return nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BadImage(str(path), "is truncated or damaged", _COPY) from error


def _check_grid(path: Path, image: nib.Nifti1Pair) -> None:
    shape, header = image.shape, image.header
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        raise BadImage(str(path), f"has shape {shape}, not 3D", "give one volume")
    if image.get_data_dtype().kind not in "iuf":
        raise BadImage(str(path), "has voxels that are not plain numbers", "convert it to a magnitude image")
    if not header["sform_code"] and not header["qform_code"]:
        raise BadImage(
            str(path), "does not say which side is left (no sform, no qform)", "set its orientation"
        )
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


def _check_values(path: Path, image: nib.Nifti1Image) -> None:
    values = _values(image)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise BadImage(str(path), "has no finite value", _COPY)
    if finite.min() == finite.max():
        raise BadImage(str(path), "has the same value everywhere", _COPY)


def _values(image: nib.Nifti1Image) -> np.ndarray:
    return np.asarray(image.dataobj, dtype=np.float32).reshape(image.shape[:3])
