"""Is this file an image that can be processed, and if so in one plain form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.errors import BadImage
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.brightness import lift_negatives, scale_bright_end
from cerebbids.imaging.forms import disagreements, with_one_grid
from cerebbids.imaging.reading import COPY_AGAIN, FIELD_OF_VIEW_MM, open_image, read_voxels


@dataclass(frozen=True)
class Conformed:
    """An image in the plain form.

    Parameters
    ----------
    image : Nifti1Image
        3D float32 on the grid of the file, not negative, its bright end at 1000.
    warnings : tuple of str
        A sentence for everything in the file that had to be settled.
    """

    image: nib.Nifti1Image
    warnings: tuple[str, ...]


def check_image(path: Path, least_mm: float = FIELD_OF_VIEW_MM[0]) -> None:
    """Refuse a file that cannot be processed, before any work is done.

    Parameters
    ----------
    path : Path
        The T1w image.
    least_mm : float
        Field of view that it has at least.

    Raises
    ------
    BadImage
        As :func:`cerebbids.imaging.reading.open_image`; truncated; no finite, or only one, value.
    """
    _check_values(path, read_voxels(path, open_image(path, least_mm)))


def conform(path: Path, least_mm: float = FIELD_OF_VIEW_MM[0]) -> Conformed:
    """Read an image as 3D float32 on the grid of the file, its bright end at 1000.

    The sform gives the grid, the qform where there is no sform; the result says the same in both. NaN and
    infinities become 0.

    Parameters
    ----------
    path : Path
        The T1w image.
    least_mm : float
        Field of view that it has at least.

    Raises
    ------
    BadImage
        As `check_image`, or nothing is brighter than 0.
    """
    image = open_image(path, least_mm)
    data = read_voxels(path, image)
    missing = _check_values(path, data)
    np.nan_to_num(data, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    lift_negatives(data)
    if not data.any():
        raise BadImage(str(path), "has nothing brighter than 0", "give a magnitude image")
    scale_bright_end(data)
    header = with_one_grid(image.header, image.affine)
    warnings = [*disagreements(image.header, image.affine)]
    if missing:
        warnings.append(f"{100 * missing / data.size:.2g} % of the voxels are NaN or infinite; they count as 0.")
    return Conformed(with_data(nib.Nifti1Image(data, image.affine, header), data), tuple(warnings))


def _check_values(path: Path, values: np.ndarray) -> int:
    """Count what is not finite, plane by plane to need no copy of the image."""
    count, low, high = 0, np.inf, -np.inf
    for plane in np.moveaxis(values, -1, 0):
        finite = plane[np.isfinite(plane)]
        count += finite.size
        low, high = min(low, finite.min(initial=np.inf)), max(high, finite.max(initial=-np.inf))
    if not count:
        raise BadImage(str(path), "has no finite value", COPY_AGAIN)
    if low == high:
        raise BadImage(str(path), "has the same value everywhere", COPY_AGAIN)
    return values.size - count
