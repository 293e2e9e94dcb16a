"""One resampler for images and labels, in world coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.systems.grid import Grid


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


def part_around(image: nib.Nifti1Image, grid: Grid, image_to_grid: np.ndarray, margin: float) -> nib.Nifti1Image:
    """Cut an image to what lies in a box, to sample it there in less memory; the image itself if it has no part there.

    Parameters
    ----------
    image : Nifti1Image
        3D.
    grid : Grid
    image_to_grid : ndarray of shape (4, 4)
        World of the image -> world of the grid, mm.
    margin : float
        How much more to keep around the box, mm.
    """
    low = grid.affine[:3, 3] - grid.spacing / 2 - margin
    high = grid.affine[:3, 3] + (np.array(grid.shape) - 0.5) * grid.spacing + margin
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    voxels = nib.affines.apply_affine(np.linalg.inv(image_to_grid @ image.affine), corners)
    first = np.floor(voxels.min(0)).astype(int).clip(0)
    last = np.minimum(np.ceil(voxels.max(0)).astype(int) + 1, image.shape)
    if (last <= first).any():
        return image
    return image.slicer[tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))]


def blurred(image: nib.Nifti1Image, spacing: float) -> nib.Nifti1Image:
    """Take out the detail that voxels of another size cannot hold, before the image is sampled on them.

    Parameters
    ----------
    image : Nifti1Image
        3D.
    spacing : float
        Edge of those voxels, mm: Gaussian of that full width at half maximum, less what the image has by itself.
    """
    zooms = np.linalg.norm(image.affine[:3, :3], axis=0)
    sigmas = np.sqrt(np.maximum(spacing**2 - zooms**2, 0)) / 2.3548 / zooms
    data = ndimage.gaussian_filter(np.asarray(image.dataobj, dtype=np.float32), sigmas)
    return nib.Nifti1Image(data, image.affine)


def fine_box(t1w: nib.Nifti1Image, grid: Grid, t1w_to_mni: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape and affine of the smallest box along the T1w's axes that holds a box of the working space.

    Parameters
    ----------
    t1w : Nifti1Image
        Its axes are taken, as near as right angles allow.
    grid : Grid
        Box in the working space; its spacing is that of the result.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> working space, mm.
    """
    u, _, v = np.linalg.svd(t1w.affine[:3, :3])
    axes = u @ v
    corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in grid.shape))).reshape(3, -1).T
    world = nib.affines.apply_affine(np.linalg.inv(t1w_to_mni) @ grid.affine, corners)
    along = world @ axes
    low, high = along.min(0), along.max(0)
    shape = tuple(int(n) for n in np.ceil((high - low) / grid.spacing))
    return shape, nib.affines.from_matvec(axes * grid.spacing, axes @ (low + grid.spacing / 2))


def moved_up(volume: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Bring a volume (X, Y, Z) from one grid to another of its shape that lies some whole voxels higher, or lower.

    Examples
    --------
    >>> low, high = Grid((0, 0, 0), (1, 1, 3)), Grid((0, 0, 1), (1, 1, 3))
    >>> moved_up(np.array([[[1, 2, 3]]]), low, high)
    array([[[2, 3, 0]]])
    >>> moved_up(np.array([[[1, 2, 3]]]), high, low)
    array([[[0, 1, 2]]])
    """
    voxels = round((target.origin[2] - source.origin[2]) / target.spacing)
    moved = np.zeros_like(volume)
    kept = volume.shape[2] - abs(voxels)
    first, begin = max(0, voxels), max(0, -voxels)
    moved[..., begin : begin + kept] = volume[..., first : first + kept]
    return moved
