"""Labels from their own grid to another one, each voxel of which takes the label that fills most of it."""

from __future__ import annotations

from itertools import product

import numpy as np
from nibabel.affines import from_matvec
from scipy import ndimage

from cerebbids.imaging.slabs import slabs


def relabel(
    labels: np.ndarray,
    affine: np.ndarray,
    target_shape: tuple[int, ...],
    target_affine: np.ndarray,
    world_map: np.ndarray | None = None,
) -> np.ndarray:
    """Sample labels at evenly spaced points of every voxel of another grid and take the commonest value.

    Along each of its axes a voxel has as many points as it has voxels of the labels there. Background counts as well.
    Of values that are as common, that of the voxel's centre wins, or else the lowest: if it were always the lowest,
    background, labels would shrink.

    Parameters
    ----------
    labels : ndarray of int, (X, Y, Z)
        0 is background, and what lies outside.
    affine : ndarray of shape (4, 4)
        Voxel -> world, RAS mm.
    target_shape, target_affine
        The other grid.
    world_map : ndarray of shape (4, 4), optional
        World of the target -> world of the labels, RAS mm. Default: one and the same world.

    Returns
    -------
    ndarray of ``target_shape``, type of ``labels``

    Examples
    --------
    >>> row, thrice = np.array([0, 5, 5, 7, 7, 7], np.uint8), np.diag([3.0, 1, 1, 1])
    >>> thrice[0, 3] = 1
    >>> relabel(row.reshape(6, 1, 1), np.eye(4), (2, 1, 1), thrice).ravel().tolist()
    [5, 7]
    """
    world_map = np.eye(4) if world_map is None else world_map
    found = np.zeros(target_shape, labels.dtype)
    for box in ndimage.find_objects((labels != 0).astype(np.uint8)):  # one, or none
        corner = affine @ from_matvec(np.eye(3), [span.start for span in box])
        _relabel_box(found, labels[box], np.linalg.inv(corner) @ world_map @ target_affine)
    return found


def _relabel_box(found: np.ndarray, box: np.ndarray, box_from_target: np.ndarray) -> None:
    values = np.union1d(0, box)
    ranks = np.searchsorted(values, box)
    points = voxel_points(box_from_target[:3, :3])
    reach = np.abs(points).max(0) + 0.5
    for slab, places in slabs(found.shape, box.shape, box_from_target):
        near = ((places > -reach) & (places < np.array(box.shape) - 1 + reach)).all(-1)
        found[slab][near] = values[_commonest(ranks, len(values), places[near], points)]


def voxel_points(voxel: np.ndarray) -> np.ndarray:
    """Evenly spaced places in a voxel of a target grid, from its centre, (n, 3) in voxels of the source.

    Parameters
    ----------
    voxel : ndarray of shape (3, 3)
        Target voxels -> source voxels. Along each axis there are as many places as source voxels, at least one.

    Examples
    --------
    >>> voxel_points(np.diag([2.0, 1, 1])).tolist()
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    counts = np.maximum(np.linalg.norm(voxel, axis=0).round().astype(int), 1)
    return np.array(list(product(*((np.arange(n) + 0.5) / n - 0.5 for n in counts)))) @ voxel.T


def _commonest(ranks: np.ndarray, n_ranks: int, places: np.ndarray, points: np.ndarray) -> np.ndarray:
    votes = np.zeros((len(places), n_ranks), np.uint16)
    rows = np.arange(len(places))
    for point in points:
        votes[rows, _nearest(ranks, places + point)] += 2
    votes[rows, _nearest(ranks, places)] += 1  # decides where two are as common
    return votes.argmax(1)


def _nearest(ranks: np.ndarray, places: np.ndarray) -> np.ndarray:
    voxels = np.floor(places + 0.5).astype(int)  # rounding to even would read one voxel twice and its neighbour never
    inside = ((voxels >= 0) & (voxels < ranks.shape)).all(-1)
    found = np.zeros(len(voxels), int)
    found[inside] = ranks[tuple(voxels[inside].T)]
    return found
