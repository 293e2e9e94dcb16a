"""Boxes of even voxels along an image's own axes: what a network sees that works on no template."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from cerebbids.imaging.resample import blurred, resample

ALIKE = 0.01
"""Difference (mm) up to which voxels are of the size that is wanted: they are taken as they are."""


@dataclass(frozen=True)
class AlongBox:
    """A box of voxels in the world of an image, its axes nearest to right, anterior and superior.

    Parameters
    ----------
    shape : tuple of int
    affine : ndarray, (4, 4)
        Voxel -> world of the image, RAS mm.
    """

    shape: tuple[int, ...]
    affine: np.ndarray


def box_along(image: nib.Nifti1Image, inside: np.ndarray, spacing: float, margin: float) -> AlongBox:
    """Box around a mask along the image's own axes, reordered and turned to grow to right, anterior and superior.

    Where the image's voxels have the size that is wanted they are taken as they are, so that nothing is interpolated.

    Parameters
    ----------
    image : Nifti1Image
        3D, any orientation.
    inside : ndarray of bool, (X, Y, Z)
        On its grid; not empty.
    spacing : float
        Edge of the voxels, mm.
    margin : float
        What to keep around the mask, mm.

    Examples
    --------
    >>> image = nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.diag([-1.0, 1, 1, 1]))
    >>> inside = np.zeros((4, 4, 4), bool)
    >>> inside[1:3, 2, 2] = True
    >>> box = box_along(image, inside, 1.0, 0.0)
    >>> box.shape, box.affine[:3, 3].tolist()
    ((2, 1, 1), [-2.0, 2.0, 2.0])
    """
    turned = nib.as_closest_canonical(nib.Nifti1Image(inside.astype(np.uint8), image.affine))
    zooms = np.linalg.norm(turned.affine[:3, :3], axis=0)
    steps = np.where(abs(zooms - spacing) <= ALIKE, 1.0, spacing / zooms)
    found = np.argwhere(np.asarray(turned.dataobj))
    around = np.ceil(margin / zooms)
    low, high = found.min(0) - around, found.max(0) + 1 + around
    shape = np.ceil((high - low) / steps - 1e-9).astype(int)
    place = np.diag([*steps, 1.0])
    place[:3, 3] = low - 0.5 + steps / 2
    return AlongBox(tuple(int(n) for n in shape), turned.affine @ place)


def onto_box(image: nib.Nifti1Image, box: AlongBox) -> np.ndarray:
    """Sample an image on a box, float32: cubic where the box is finer than the image, else linear after a blur."""
    spacing = float(np.linalg.norm(box.affine[:3, :3], axis=0).max())
    coarser = np.linalg.norm(image.affine[:3, :3], axis=0).max() > spacing + ALIKE
    seen = image if coarser else blurred(image, spacing)
    return np.asarray(resample(seen, box.shape, box.affine, order=3 if coarser else 1).dataobj, np.float32)


def mask_onto_box(inside: np.ndarray, affine: np.ndarray, box: AlongBox) -> np.ndarray:
    """Sample a mask on a box: bool, where linear interpolation gives more than a half."""
    mask = nib.Nifti1Image(inside.astype(np.float32), affine)
    return np.asarray(resample(mask, box.shape, box.affine).dataobj) > 0.5


@dataclass(frozen=True)
class Shares:
    """Shares (classes, ...) float32 on a part of a grid, in the place ``part`` of it."""

    part: tuple[slice, ...]
    shares: np.ndarray


def from_box(volumes: np.ndarray, box: AlongBox, shape: tuple[int, ...], affine: np.ndarray) -> Shares:
    """Read volumes of a box on the grid of the image that it lies along, linearly; 0 beyond the box.

    Parameters
    ----------
    volumes : ndarray, (classes, X, Y, Z), float32
    box : AlongBox
    shape, affine
        The grid to read on.

    Returns
    -------
    Shares
        On the part of the grid that the box reaches.
    """
    corners = np.array(np.meshgrid(*((-1, n) for n in box.shape))).reshape(3, -1).T
    reached = nib.affines.apply_affine(np.linalg.inv(affine) @ box.affine, corners)
    first = np.floor(reached.min(0) + 1e-6).astype(int).clip(0)
    last = np.minimum(np.ceil(reached.max(0) - 1e-6).astype(int) + 1, shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    there = affine.copy()
    there[:3, 3] = nib.affines.apply_affine(affine, first)
    size, spacing = tuple(side.stop - side.start for side in part), float(np.linalg.norm(affine[:3, :3], axis=0).max())
    read = [resample(blurred(nib.Nifti1Image(volume, box.affine), spacing), size, there).dataobj for volume in volumes]
    return Shares(part, np.stack(read))
