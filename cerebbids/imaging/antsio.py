"""Between nibabel and ANTs in memory, exactly: same voxels, same grid."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

if TYPE_CHECKING:
    import ants

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI worlds are RAS, ITK worlds are LPS; the matrix is its own inverse."""


def limit_threads(count: int) -> None:
    """Let ITK use `count` threads; it asks once in a process, before its first filter."""
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(count)


def to_ants(image: nib.Nifti1Image) -> ants.ANTsImage:
    """Float32 ANTs image with the voxel array, spacing, direction and origin of `image`.

    A sheared affine gives a direction that is not orthogonal. ITK computes with it but cannot write
    it, so such an image may be filtered but not saved from ANTs.
    """
    import ants

    lps = RAS_TO_LPS @ image.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    return ants.from_numpy(
        np.asarray(image.dataobj, dtype=np.float32),
        origin=lps[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=lps[:3, :3] / spacing,
    )


def from_ants(image: ants.ANTsImage, like: nib.Nifti1Image) -> nib.Nifti1Image:
    """Float32 image with the voxels of `image` and, to the last bit, the grid of `like`.

    Raises
    ------
    ValueError
        The two have different shapes.
    """
    if image.shape != like.shape:
        raise ValueError(f"ANTs image of shape {image.shape} for a grid of shape {like.shape}")
    return with_data(like, image.numpy().astype(np.float32, copy=False))


def with_data(like: nib.Nifti1Image, data: np.ndarray) -> nib.Nifti1Image:
    """Image with the grid of `like` (both sform and qform codes kept), voxels and type of `data`."""
    header = like.header.copy()
    header.extensions.clear()
    header.set_data_dtype(data.dtype)
    header.set_slope_inter(1, 0)
    header["cal_min"] = header["cal_max"] = 0
    return nib.Nifti1Image(data, like.affine, header)
