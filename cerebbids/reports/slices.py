"""Plane cuts through an image, made in world coordinates: any orientation code, any obliquity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Plane:
    """A family of parallel cuts, seen with the neurological convention (left is left).

    Parameters
    ----------
    name : str
        ``sagittal``, ``coronal`` or ``axial``.
    across, up, along : int
        World axis (0 right, 1 anterior, 2 superior) that grows to the picture's right, to its top, and
        from one cut to the next.
    edges : tuple of str
        Letters of the picture's left and right border.
    """

    name: str
    across: int
    up: int
    along: int
    edges: tuple[str, str]

    @property
    def letter(self) -> str:
        """Name of the coordinate that a cut has in common."""
        return "xyz"[self.along]


SAGITTAL = Plane("sagittal", across=1, up=2, along=0, edges=("P", "A"))
CORONAL = Plane("coronal", across=0, up=2, along=1, edges=("L", "R"))
AXIAL = Plane("axial", across=0, up=1, along=2, edges=("L", "R"))


@dataclass(frozen=True)
class Box:
    """An upright box in the world, RAS mm: ``low`` and ``high`` corner."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def positions(self, plane: Plane, count: int) -> tuple[float, ...]:
        """Spread cuts evenly over the box, half a step away from its ends.

        Examples
        --------
        >>> Box((-50, 0, 0), (50, 10, 10)).positions(SAGITTAL, 5)
        (-40.0, -20.0, 0.0, 20.0, 40.0)
        """
        low, high = self.low[plane.along], self.high[plane.along]
        return tuple(low + (high - low) * (k + 0.5) / count for k in range(count))

    def grown(self, margin: float) -> Box:
        """Return the box with `margin` mm more on every side."""
        return Box(_corner(np.subtract(self.low, margin)), _corner(np.add(self.high, margin)))

    def size(self, plane: Plane) -> tuple[float, float]:
        """Width and height of a cut in mm."""
        width, height = (self.high[axis] - self.low[axis] for axis in (plane.across, plane.up))
        return width, height


def _corner(point: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z


@dataclass(frozen=True)
class Volume:
    """An array and where it lies.

    Parameters
    ----------
    data : ndarray, 3D
    affine : ndarray of shape (4, 4)
        Voxel -> world, RAS mm.
    """

    data: np.ndarray
    affine: np.ndarray

    @classmethod
    def of(cls, image: nib.Nifti1Image, dtype: type | None = None) -> Volume:
        """Take the array (as `dtype`, if given) and the affine of an image."""
        return cls(np.asarray(image.dataobj, dtype=dtype), image.affine)

    def box(self) -> Box:
        """Box around the voxels that are not 0.

        Raises
        ------
        ValueError
            There is none.
        """
        inside = self.data != 0
        voxels = np.argwhere(inside & ~ndimage.binary_erosion(inside))  # the surface has all corners
        if not len(voxels):
            raise ValueError("all voxels are 0")
        # The corners of the voxels, not their centres: a turned voxel reaches further in the world.
        corners = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)])
        reach = corners @ self.affine[:3, :3].T
        centres = nib.affines.apply_affine(self.affine, voxels)
        low, high = centres.min(0) + reach.min(0), centres.max(0) + reach.max(0)
        return Box(_corner(low), _corner(high))

    def cropped(self, pad: int = 2) -> Volume:
        """Keep the part around the voxels that are not 0, with `pad` voxels more."""
        spans = ndimage.find_objects((self.data != 0).astype(np.uint8))[0]
        return self._part([max(span.start - pad, 0) for span in spans], [span.stop + pad for span in spans])

    def within(self, box: Box, pad: int = 8) -> Volume:
        """Keep the part that reaches into a box of the world, with `pad` voxels more: enough for cubic splines."""
        corners = np.stack(np.meshgrid(*zip(box.low, box.high, strict=True)), -1).reshape(-1, 3)
        voxels = nib.affines.apply_affine(np.linalg.inv(self.affine), corners)
        start = np.clip(np.floor(voxels.min(0)).astype(int) - pad, 0, np.array(self.data.shape) - 1)
        stop = np.maximum(np.ceil(voxels.max(0)).astype(int) + 1 + pad, start + 1)
        return self._part(start.tolist(), stop.tolist())

    def _part(self, start: Sequence[int], stop: Sequence[int]) -> Volume:
        part = tuple(slice(begin, end) for begin, end in zip(start, stop, strict=True))
        affine = self.affine.copy()
        affine[:3, 3] = nib.affines.apply_affine(self.affine, start)
        return Volume(self.data[part], affine)


def cut(volume: Volume, plane: Plane, position: float, box: Box, step: float, order: int = 1) -> np.ndarray:
    """Sample one plane of a volume.

    Parameters
    ----------
    volume : Volume
    plane : Plane
    position : float
        World coordinate that all samples share, mm.
    box : Box
        What the picture shows.
    step : float
        Distance of the samples, mm.
    order : int
        0 nearest, 1 linear, 3 cubic spline.

    Returns
    -------
    ndarray of shape (height, width)
        First row at the top of the picture; 0 outside the volume.

    Examples
    --------
    A head whose first axis runs to the left still has its left on the picture's left:

    >>> las = Volume(np.array([9.0, 5.0, 1.0]).reshape(3, 1, 1), np.diag([-1.0, 1, 1, 1]))
    >>> cut(las, AXIAL, 0, Box((-2.5, -0.5, 0), (0.5, 0.5, 0)), 1.0)
    array([[1., 5., 9.]])
    """
    width, height = (max(round(length / step), 1) for length in box.size(plane))
    world = np.empty((3, height, width))
    world[plane.along] = position
    world[plane.across] = box.low[plane.across] + step * (np.arange(width) + 0.5)
    world[plane.up] = (box.high[plane.up] - step * (np.arange(height) + 0.5))[:, None]
    inverse = np.linalg.inv(volume.affine)
    voxels = np.tensordot(inverse[:3, :3], world, 1) + inverse[:3, 3, None, None]
    return ndimage.map_coordinates(volume.data, voxels, order=order, mode="grid-constant")
