"""The places of a NIfTI header that say where a voxel lies and how large it is, brought to agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

from cerebbids.errors import BadImage

AGREE_MM = 0.1
"""Distance, anywhere in the field of view, up to which two grids count as one."""

AGREE_SIZE = 0.01
"""The same for voxel sizes, as a share."""

_CODES = range(1, 6)
"""Of sform and qform, where there is one."""


def check_side(path: Path, raw: nib.Nifti1Header) -> None:
    """Refuse a header of which one program reads another grid than the next: left could be right.

    nibabel takes a code that the standard does not know for 0, and a pixdim[0] that is neither 1 nor -1 for 1;
    the standard's own library uses every code above 0, and takes whatever is below 0 for -1.

    Parameters
    ----------
    path : Path
        The image.
    raw : Nifti1Header
        As the file has it, unrepaired.

    Raises
    ------
    BadImage
        The sform's code is not known, or the qform decides and its sign of the third axis is not known.
    """
    sform_code, sign = int(raw["sform_code"]), float(raw["pixdim"][0])
    if sform_code > max(_CODES):
        reason = f"has an sform_code of {sform_code}, which NIfTI does not know"
        raise BadImage(str(path), reason, "set it to 1, or to 0 if the qform is right")
    if sform_code <= 0 and int(raw["qform_code"]) in _CODES and sign < 0 and sign != -1:
        reason = f"has a pixdim[0] of {sign:g}, which leaves open which side is left"
        raise BadImage(str(path), reason, "set it to 1 or -1, or convert the image again")


def with_one_grid(header: nib.Nifti1Header, affine: np.ndarray) -> nib.Nifti1Header:
    """Header whose sform, qform and voxel size all say `affine`, so that every program reads the same grid.

    A qform cannot hold a shear. Its code is then 0, as programs that trust it would displace the image.

    Parameters
    ----------
    header : Nifti1Header
        Of the image, with its shape.
    affine : ndarray of shape (4, 4)
        Voxel -> world RAS mm.
    """
    agreed = nib.Nifti1Header() if isinstance(header, nib.Nifti2Header) else header.copy()
    agreed.set_data_shape(header.get_data_shape())
    agreed.set_sform(affine, code=1)
    agreed.set_qform(affine, code=1)  # and the voxel size
    if _distance(agreed.get_qform(), affine, header.get_data_shape()) > AGREE_MM:
        agreed["qform_code"] = 0
    agreed.set_xyzt_units("mm")
    return agreed


def disagreements(header: nib.Nifti1Header, affine: np.ndarray) -> Iterator[str]:
    """Sentences about what in a header speaks against `affine`, its own voxel -> world RAS mm."""
    if header["qform_code"] and header["sform_code"]:
        try:
            moved = _distance(header.get_qform(), affine, header.get_data_shape())
        except ValueError:  # four numbers that are no rotation
            yield "The qform is not a rotation; the sform was used."
        else:
            if moved > AGREE_MM:
                yield f"qform and sform differ by {moved:.3g} mm; the sform was used."
    told, voxel = header.get_zooms()[:3], np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(told, voxel, rtol=AGREE_SIZE):
        yield f"The header's voxel size is {_sizes(told)} mm, its affine's {_sizes(voxel)} mm; the affine was used."


def _distance(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Largest distance in mm between two grids, which is at a corner."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape[:3]])).reshape(3, -1).T
    return float(np.linalg.norm(apply_affine(one, corners) - apply_affine(other, corners), axis=1).max())


def _sizes(voxel: np.ndarray | tuple[float, ...]) -> str:
    return " x ".join(f"{size:.3g}" for size in voxel)
