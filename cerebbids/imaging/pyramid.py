"""A volume at three levels of smoothness that can be sampled at world points."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage


@dataclass(frozen=True)
class Level:
    """A smoothed volume.

    Parameters
    ----------
    data : ndarray of shape (x, y, z), float32
        Voxels.
    affine : ndarray of shape (4, 4)
        Voxel -> world RAS mm.
    """

    data: np.ndarray
    affine: np.ndarray

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values at world points (n, 3), and whether each lies inside the field of view."""
        voxels = apply_affine(np.linalg.inv(self.affine), points).T
        ends = np.array(self.data.shape)[:, None] - 0.5
        inside = ((voxels > -0.5) & (voxels < ends)).all(axis=0)
        return ndimage.map_coordinates(self.data, voxels, order=1, mode="nearest"), inside

    def centre_of_mass(self) -> np.ndarray:
        """World centre of what is brighter than a seventh of the bright end."""
        bright = self.data > 0.15 * np.percentile(self.data, 99)
        return apply_affine(self.affine, np.argwhere(bright)).mean(axis=0)


@dataclass(frozen=True)
class Pyramid:
    """Levels for matching at 8, 4 and 2 mm."""

    coarse: Level
    middle: Level
    fine: Level


def pyramid(image: nib.Nifti1Image) -> Pyramid:
    """Smooth an image to the three levels, whatever its voxel size."""
    fine = _smooth(image, 1.0)
    return Pyramid(coarse=_smooth(image, 4.0, 4), middle=_smooth(image, 2.0, 2), fine=fine)


def _smooth(image: nib.Nifti1Image, sigma: float, stride: int = 1) -> Level:
    """Smooth to `sigma` mm; what the voxels themselves blur already is taken off."""
    voxel = np.linalg.norm(image.affine[:3, :3], axis=0)
    missing = np.sqrt(np.maximum(sigma**2 - (0.4 * voxel) ** 2, 0)) / voxel
    data = ndimage.gaussian_filter(np.asarray(image.dataobj, np.float32), missing, truncate=3)
    thinned = np.ascontiguousarray(data[::stride, ::stride, ::stride])
    return Level(thinned, image.affine @ np.diag([stride, stride, stride, 1.0]))
