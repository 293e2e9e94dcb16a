"""T2w images made from T1w images: what was moved how far is known."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_cerebellum

T1W = (0.05, 0.12, 0.3, 0.65, 1.0, 1.5)
"""Brightness of bone, fluid (darkest, brightest), grey and white matter, fat on a T1w image, white matter being 1."""
T2W = (0.0, 1000.0, 1000.0, 600.0, 420.0, 330.0)
"""The same on a T2w image."""
PD = (0.0, 900.0, 900.0, 880.0, 700.0, 650.0)
"""The same on a proton density image."""


def t2w_of(
    t1w: nib.Nifti1Image,
    white: float,
    motion: np.ndarray,
    zooms: tuple[float, float, float] = (1, 1, 1),
    contrast: tuple[float, ...] = T2W,
    seed: int = 0,
    bias: float = 0.25,
) -> nib.Nifti1Image:
    """Give an image another contrast, a grid, noise, a bias field, and a texture that the T1w image does not have.

    Parameters
    ----------
    t1w : Nifti1Image
        Clean, so that the two do not share their noise.
    white : float
        How bright its white matter is.
    motion : ndarray of shape (4, 4)
        World of the T1w image -> world of the result, rigid, RAS mm.
    zooms : tuple of float
        Voxel of the result.
    contrast : tuple of float
        As `T2W`.
    seed : int
        Of noise, bias and texture.
    bias : float
        Size of the coil's inhomogeneity.
    """
    rng = np.random.default_rng(seed)
    data = np.asarray(t1w.dataobj, dtype=np.float32)
    other = nib.Nifti1Image(np.interp(data, white * np.array(T1W), contrast).astype(np.float32), t1w.affine)
    corners = apply_affine(motion @ t1w.affine, np.argwhere(np.ones((2, 2, 2))) * (np.array(data.shape) - 1))
    shape = np.ceil(np.ptp(corners, axis=0) / zooms).astype(int)
    affine = from_matvec(np.diag(zooms), corners.min(axis=0))
    blurred = nib.Nifti1Image(ndimage.gaussian_filter(other.dataobj, 0.35 * np.array(zooms)), t1w.affine)
    image = resample(blurred, shape, affine, np.linalg.inv(motion))
    field = 1 + bias * _waves(rng, shape, 60 / np.array(zooms))
    texture = 1 + 0.04 * _waves(rng, shape, 3 / np.array(zooms))
    noisy = np.asarray(image.dataobj) * field * texture
    rician = np.hypot(noisy + rng.normal(0, 25, shape), rng.normal(0, 25, shape))
    return nib.Nifti1Image(rician.astype(np.int16), affine)


def _waves(rng: np.random.Generator, shape: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Smooth random field of about unit size."""
    strides = np.maximum(1, voxels // 3).astype(int)
    small = ndimage.gaussian_filter(rng.normal(size=-(-shape // strides) + 1), voxels / strides)
    return ndimage.zoom(small / small.std(), strides, order=1)[tuple(map(slice, shape))]


def rigid(angles: tuple[float, float, float], shift: tuple[float, float, float], centre: np.ndarray) -> np.ndarray:
    """Turn by degrees about x, y and z through a centre, then shift by mm."""
    turn = nib.eulerangles.euler2mat(*np.radians(angles[::-1]))
    return from_matvec(turn, centre + np.array(shift) - turn @ centre)


def cerebellum_distance(one: np.ndarray, other: np.ndarray, t1w_to_mni: np.ndarray) -> float:
    """Mean distance in mm, over a T1w image's cerebellum, between where two maps carry it."""
    mask = template_cerebellum()
    voxels = np.argwhere(np.asarray(mask.dataobj) > 0)[::97]
    points = apply_affine(np.linalg.inv(t1w_to_mni) @ mask.affine, voxels)
    return float(np.linalg.norm(apply_affine(one, points) - apply_affine(other, points), axis=1).mean())
