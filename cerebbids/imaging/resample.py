"""One resampler for images and labels, in world coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage


def resample(
    image: nib.Nifti1Image,
    target_shape: Sequence[int],
    target_affine: np.ndarray,
    world_map: np.ndarray | None = None,
    order: Literal[0, 1, 3] = 1,
) -> nib.Nifti1Image:
    """Sample an image on another grid; 0 where the image does not reach.

    Parameters
    ----------
    image : Nifti1Image
        3D, any orientation, oblique or sheared.
    target_shape : sequence of int
        Voxels of the target grid.
    target_affine : ndarray of shape (4, 4)
        Voxel of the target grid -> its world, RAS mm.
    world_map : ndarray of shape (4, 4), optional
        World of the target -> world of the image, RAS mm. Default: one and the same world.
    order : int
        0 nearest (labels: the type is kept), 1 linear, 3 cubic spline (float32 out).

    Returns
    -------
    Nifti1Image

    Examples
    --------
    Twice as fine along the first axis:

    >>> row = nib.Nifti1Image(np.array([0.0, 2.0, 4.0], np.float32).reshape(3, 1, 1), np.eye(4))
    >>> resample(row, (5, 1, 1), np.diag([0.5, 1, 1, 1])).get_fdata().ravel()
    array([0., 1., 2., 3., 4.])
    """
    world_map = np.eye(4) if world_map is None else world_map
    voxel_map = np.linalg.inv(image.affine) @ world_map @ target_affine
    data = np.asanyarray(image.dataobj)
    # "grid-constant", because "constant" drops border voxels that rounding puts at -1e-15.
    sampled = ndimage.affine_transform(
        data if order == 0 else data.astype(np.float32, copy=False),
        voxel_map[:3, :3],
        voxel_map[:3, 3],
        output_shape=tuple(target_shape),
        order=order,
        mode="grid-constant",
    )
    return nib.Nifti1Image(sampled, target_affine)
