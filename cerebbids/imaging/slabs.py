"""A grid that reaches into a box, a few planes at a time, so that places of all its voxels are never held at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import nibabel as nib
import numpy as np

SLAB = 16
"""Planes of the grid that are looked at together."""


def slabs(
    shape: tuple[int, ...], box_shape: tuple[int, ...], box_from_grid: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Say where the voxels of a grid lie in a box.

    Parameters
    ----------
    shape, box_shape : tuple of int
        Voxels of the grid and of the box.
    box_from_grid : ndarray of shape (4, 4)
        Voxel of the grid -> voxel of the box.

    Yields
    ------
    slice
        Planes of the grid's first axis; those that do not reach into the box are left out.
    ndarray, (planes, Y, Z, 3)
        Their voxels' places, in voxels of the box.

    Examples
    --------
    >>> [(slab, places.shape) for slab, places in slabs((40, 2, 2), (20, 2, 2), np.eye(4))]
    [(slice(0, 16, None), (16, 2, 2, 3)), (slice(16, 21, None), (5, 2, 2, 3))]
    """
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in box_shape])).reshape(3, -1).T
    reach = nib.affines.apply_affine(np.linalg.inv(box_from_grid), corners)[:, 0]
    first, last = max(0, int(np.floor(reach.min()))), min(shape[0], int(np.ceil(reach.max())) + 1)
    for start in range(first, last, SLAB):
        slab = slice(start, min(start + SLAB, last))
        yield slab, _places((np.arange(slab.start, slab.stop), *map(np.arange, shape[1:])), box_from_grid)


def _places(voxels: Sequence[np.ndarray], box_from_grid: np.ndarray) -> np.ndarray:
    """Places (X, Y, Z, 3) of the voxels of a lattice; a matrix product of each would take thirty times as long.

    Examples
    --------
    >>> _places([np.arange(1), np.arange(2), np.arange(1)], np.diag([1.0, 2, 3, 1])).tolist()
    [[[[0.0, 0.0, 0.0]], [[0.0, 2.0, 0.0]]]]
    """
    x, y, z = (np.multiply.outer(along, step) for along, step in zip(voxels, box_from_grid[:3, :3].T, strict=True))
    return x[:, None, None] + (y[:, None] + (z + box_from_grid[:3, 3]))
