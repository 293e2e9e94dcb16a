"""The places of a NIfTI header that say where a voxel lies and how large it is, brought to agree."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

AGREE_MM = 0.1
"""Distance, anywhere in the field of view, up to which two grids count as one."""

AGREE_SIZE = 0.01
"""The same for voxel sizes, as a share."""


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
    agreed = header.copy()
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
