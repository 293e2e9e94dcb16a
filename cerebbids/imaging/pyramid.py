"""A volume at three levels of smoothness that can be sampled at world points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage


@dataclass(frozen=True)
class Level:
    """A smoothed and thinned volume.

    Parameters
    ----------
    data : ndarray of shape (x, y, z), float32
        Voxels.
    affine : ndarray of shape (4, 4)
        Voxel -> world RAS mm.
    blur : ndarray of shape (3,)
        Standard deviation in mm, along each axis, of the Gaussian that the data has seen, voxel included.
    """

    data: np.ndarray
    affine: np.ndarray
    blur: np.ndarray

    @property
    def voxel(self) -> np.ndarray:
        """Voxel size in mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Interpolate at world points (n, 3).

        Returns
        -------
        tuple of ndarray
            Values (n,), slopes per mm (3, n), whether inside the field of view (n,).
        """
        to_voxel = np.linalg.inv(self.affine)
        voxels = apply_affine(to_voxel, points).T
        ends = np.array(self.data.shape)[:, None] - 0.5
        inside = ((voxels > -0.5) & (voxels < ends)).all(axis=0)
        values, *slopes = (
            ndimage.map_coordinates(volume, voxels, order=1, mode="nearest") for volume in (self.data, *self._slopes)
        )
        return values, to_voxel[:3, :3].T @ np.stack(slopes), inside

    @cached_property
    def _slopes(self) -> list[np.ndarray]:
        """Differences from voxel to voxel along the three axes."""
        return np.gradient(self.data)

    def centre_of_mass(self) -> np.ndarray:
        """World centre of what is brighter than a seventh of the bright end."""
        bright = self.data > 0.15 * np.percentile(self.data, 99)
        return apply_affine(self.affine, np.argwhere(bright)).mean(axis=0)

    def smoothed(self, sigma: float) -> Level:
        """The level with a blur of `sigma` mm, as far as it is sharper than that."""
        blur = np.maximum(sigma, self.blur)
        missing = np.sqrt(blur**2 - self.blur**2) / self.voxel
        return Level(ndimage.gaussian_filter(self.data, missing, truncate=3), self.affine, blur)

    def thinned(self, spacing: float) -> Level:
        """The level with voxels of up to `spacing` mm, symmetric about the same middle voxel."""
        strides = np.maximum(1, np.round(spacing / self.voxel)).astype(int)
        starts = (np.array(self.data.shape) // 2) % strides
        kept = tuple(slice(start, None, stride) for start, stride in zip(starts, strides, strict=True))
        lattice = nib.affines.from_matvec(np.diag(strides), starts)
        return Level(np.ascontiguousarray(self.data[kept]), self.affine @ lattice, self.blur)


@dataclass(frozen=True)
class Pyramid:
    """Levels to be matched with samples every 8, 4 and 3 mm."""

    coarse: Level
    middle: Level
    fine: Level


def pyramid(image: nib.Nifti1Image) -> Pyramid:
    """Smooth an image to the three levels, the same ones whatever its voxel size."""
    data = np.asarray(image.dataobj, dtype=np.float32)
    voxel = np.linalg.norm(image.affine[:3, :3], axis=0)
    fine = Level(data, image.affine, 0.4 * voxel).smoothed(1.4)
    middle = fine.thinned(2.0).smoothed(2.4)
    coarse = middle.thinned(4.0).smoothed(4.4)
    return Pyramid(coarse, middle, fine)
