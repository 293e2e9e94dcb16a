"""Does a T2w image fit the T1w image that it lies beside, and is it one."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.imaging.affinefit import RIGID, Fit, fit_affine
from cerebbids.imaging.pyramid import Pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.rigid import PersonModel, white_brightness
from cerebbids.imaging.template import template_brain_mask, template_cerebellum, template_tissues

MAX_VOXEL_MM = 2.5
MIN_CEREBELLUM, MIN_BRAIN = 0.98, 0.5
"""Shares of cerebellum (with brainstem) and brain that have to be in the image."""
SHIFT_MM = 3.0
MIN_SHARPNESS = 0.08
"""Correlation that has to be lost by a shift. Measured on images made from the T1w images of four heads and three
brains (1 to 2.4 mm, noise, rest of a bias field): 0.19 to 0.23 on the same person's T1w image, 0.01 to 0.05 on those
of others (12 pairs). An acquired T2w image has distortions and a contrast that no T1w image tells of, which costs some
of it: the limit is nearer to the others.
"""
MIN_CONTRASTS = (1.2, 1.05)
"""How many times fluid has to be as bright as grey matter, and grey as white. Images made from four people's T1w images
gave 1.34 to 1.58 and 1.29 to 1.40 with T2 contrast, under 1.08 and 1.14 to 1.17 with that of proton density.
"""
SIGNAL = 0.01
"""Brightness, in parts of the bright end, below which there is no image."""
ENOUGH = 300
"""Voxels of fluid (mm3) that suffice; in narrow ventricles those at its edge are taken too."""
DEPTH_MM = 15.0
"""How far below the surface of the template's brain fluid is looked for: deeper than bone and air ever are."""


@dataclass(frozen=True)
class T2wCheck:
    """What was measured on a T2w image; nothing after what refused it.

    Parameters
    ----------
    refused : str
        Why it is not used ("its slices are 5 mm thick"); empty when it is.
    voxel_mm : float
        Largest side of a voxel.
    cerebellum, brain : float, optional
        Shares of the two that the image shows.
    correlation : float, optional
        With the function of the T1w image that resembles it most, over the brain.
    sharpness : float, optional
        Correlation that is lost when the image is shifted by 3 mm. Brains of two people resemble each other too, but
        only roughly: there is no place where their folds fit.
    fluid_to_grey, grey_to_white : float, optional
        How many times the one is as bright as the other.
    displacement_mm : float, optional
        How far from where the headers say the brain's middle was found.
    """

    refused: str = ""
    voxel_mm: float | None = None
    cerebellum: float | None = None
    brain: float | None = None
    correlation: float | None = None
    sharpness: float | None = None
    fluid_to_grey: float | None = None
    grey_to_white: float | None = None
    displacement_mm: float | None = None


@dataclass(frozen=True)
class TissuePoints:
    """World points (n, 3) of a T1w image where it and the template agree on the tissue, RAS mm."""

    fluid: np.ndarray
    grey: np.ndarray
    white: np.ndarray


def tissue_points(t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> TissuePoints:
    """Find points of pure tissue: fluid deep in the brain, as only there it is not mixed up with bone and air.

    Parameters
    ----------
    t1w : Nifti1Image
        Clean, 3D.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm.
    """
    brain = template_brain_mask()
    mni_to_t1w = np.linalg.inv(t1w_to_mni)
    there = resample(t1w, brain.shape, brain.affine, mni_to_t1w)
    t1 = np.asarray(there.dataobj) / white_brightness(t1w, t1w_to_mni)
    grey, white = (np.asarray(tissue.dataobj) for tissue in template_tissues())
    deep = ndimage.distance_transform_edt(np.asarray(brain.dataobj)) > DEPTH_MM
    fluid = deep & (t1 > 0.02) & (t1 < 0.4)
    pure = ndimage.binary_erosion(fluid)
    tissues = (
        pure if np.count_nonzero(pure) > ENOUGH else fluid,
        (grey > 0.6) & (t1 > 0.5) & (t1 < 0.88),
        (white > 0.9) & (t1 > 0.92) & (t1 < 1.08),
    )
    return TissuePoints(*(apply_affine(mni_to_t1w @ brain.affine, np.argwhere(tissue)[::5]) for tissue in tissues))


def measure_cover(levels: Pyramid, t1w_to_t2w: np.ndarray, t1w_to_mni: np.ndarray) -> tuple[float, float]:
    """Shares of cerebellum and of brain that an image shows.

    Parameters
    ----------
    levels : Pyramid
        The image.
    t1w_to_t2w, t1w_to_mni : ndarray of shape (4, 4)
        World of the T1w image -> world of the image, and of the template, RAS mm.
    """
    mni_to_t2w = t1w_to_t2w @ np.linalg.inv(t1w_to_mni)
    masks = template_cerebellum(), template_brain_mask()
    cerebellum, brain = (share_shown(levels, np.asarray(mask.dataobj) > 0, mni_to_t2w @ mask.affine) for mask in masks)
    return cerebellum, brain


def share_shown(levels: Pyramid, mask: np.ndarray, to_image: np.ndarray) -> float:
    """Share of a mask that an image shows: in its field of view, and not black.

    Parameters
    ----------
    levels : Pyramid
        The image.
    mask : ndarray of bool, (X, Y, Z)
        Of it every seventh voxel is looked at.
    to_image : ndarray, (4, 4)
        Voxels of the mask -> world of the image, RAS mm.
    """
    values, _, inside = levels.fine.at(apply_affine(to_image, np.argwhere(mask)[::7]))
    return float(np.mean(inside & (values > SIGNAL * np.percentile(levels.fine.data, 99.5))))


def measure_sharpness(levels: Pyramid, model: PersonModel, fit: Fit) -> float:
    """Correlation of a fit that is lost, on average, by shifts to and fro along the three axes."""
    shifted = []
    for axis in range(3):
        for shift in (-SHIFT_MM, SHIFT_MM):
            moved = fit.mni_to_t1w.copy()
            moved[:3, 3] += shift * moved[:3, axis]
            shifted.append(fit_affine(levels.fine, model.fine, moved, RIGID, 1, 0).correlation)
    return fit.correlation - float(np.mean(shifted))


def measure_contrasts(levels: Pyramid, points: TissuePoints, t1w_to_t2w: np.ndarray) -> tuple[float, float]:
    """How many times fluid is as bright as grey matter, and grey as white matter (medians)."""
    fluid, grey, white = (
        float(np.median(levels.fine.at(apply_affine(t1w_to_t2w, place))[0])) if len(place) else 0.0
        for place in (points.fluid, points.grey, points.white)
    )
    return fluid / max(grey, 1e-9), grey / max(white, 1e-9)
