"""Two images of one infant's brain, T1w and T2w, brought to lie on each other: without a template."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.affinefit import CENTRE, sample_model
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.pyramid import Level, pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.rigid import MARGIN_MM, PersonModel, bands, register_rigidly
from cerebbids.imaging.t2wcheck import measure_sharpness, share_shown

MIN_SHARPNESS = 0.08
"""Correlation that has to be lost by a shift of 3 mm. Of painted neonates, images of the same brain gave 0.14 to 0.20,
those of two shapes of it 0.04 to 0.06."""
MIN_BRAIN = 0.95
"""Share of the brain that the T2w image has to show."""


@dataclass(frozen=True)
class Pair:
    """A T2w image in the world of the T1w image of the same session.

    Parameters
    ----------
    t2w : Nifti1Image
        With its own voxels; its affine leads into the world of the T1w image, RAS mm.
    correlation : float
        With the function of the T1w image that resembles it most, over the brain.
    sharpness : float
        Correlation that is lost when it is shifted by 3 mm.
    coverage : float
        Share of the brain that it shows: in its field of view, and not black.
    displacement_mm : float
        How far from where the headers say the brain's middle was found.
    """

    t2w: nib.Nifti1Image
    correlation: float
    sharpness: float
    coverage: float
    displacement_mm: float


def brain_model(t1w: nib.Nifti1Image, brain: np.ndarray) -> PersonModel:
    """Sample a T1w image inside the brain and a little around.

    Parameters
    ----------
    t1w : Nifti1Image
        3D, any orientation.
    brain : ndarray of bool, (X, Y, Z)
        On its grid; not empty.

    Returns
    -------
    PersonModel
        Its points lie on a lattice of 1 mm along the world's axes, with the middle of the brain where that of the
        template is.
    """
    around = with_data(t1w, brain.astype(np.float32))
    corners = apply_affine(t1w.affine, np.argwhere(brain))
    low, high = corners.min(0) - 3 * MARGIN_MM, corners.max(0) + 3 * MARGIN_MM
    frame = from_matvec(np.eye(3), (low + high) / 2 - CENTRE)
    shape = tuple(int(n) for n in np.ceil(high - low))
    grid = from_matvec(np.eye(3), np.round(CENTRE - (high - low) / 2))
    data = np.asarray(resample(t1w, shape, grid, frame).dataobj)
    near = np.asarray(resample(around, shape, grid, frame).dataobj) > 0.5
    inside = (ndimage.distance_transform_edt(~near) <= MARGIN_MM) & (data > 0)
    like = nib.Nifti1Image(data, grid)
    bright = float(np.percentile(data[near], 95))
    shares = [pyramid(with_data(like, band)) for band in bands(data, bright)]
    fine = Level(inside.astype(np.float32), grid, np.zeros(3))
    middle = fine.thinned(2)
    return PersonModel(
        sample_model([share.coarse for share in shares], middle.thinned(4).data > 0, 2),
        sample_model([share.middle for share in shares], middle.data > 0, 2),
        sample_model([share.fine for share in shares], fine.data, 3),
        frame,
    )


def pair(t1w: nib.Nifti1Image, t2w: nib.Nifti1Image, brain: np.ndarray, name: str) -> Pair:
    """Find how a T2w image lies to the T1w image, and see whether both show one brain.

    Parameters
    ----------
    t1w, t2w : Nifti1Image
        3D, any orientation and voxels.
    brain : ndarray of bool, (X, Y, Z)
        On the grid of the T1w image.
    name : str
        What to call the T1w image in an error.

    Raises
    ------
    SegmentationFailed
        It does not show the brain, or not the anatomy of the T1w image.
    """
    model, levels = brain_model(t1w, brain), pyramid(t2w)
    fit = register_rigidly(levels, model)
    t2w_to_t1w = model.frame @ np.linalg.inv(fit.mni_to_t1w)
    coverage = share_shown(levels, brain, np.linalg.inv(t2w_to_t1w) @ t1w.affine)
    sharpness = measure_sharpness(levels, model, fit)
    if coverage < MIN_BRAIN:
        reason = f"its T2w image shows only {100 * coverage:.1f} % of the brain"
        raise SegmentationFailed(name, reason, "give a T2w image of the whole brain (--bids-filter-file chooses one)")
    if sharpness < MIN_SHARPNESS:
        told = f"a shift of 3 mm takes {sharpness:.3f} from the correlation of {fit.correlation:.2f}"
        mend = "look whether both are of one session (--bids-filter-file chooses another)"
        raise SegmentationFailed(name, f"its T2w image does not fit its anatomy ({told})", mend)
    moved = nib.Nifti1Image(t2w.dataobj, t2w_to_t1w @ t2w.affine)
    middle = apply_affine(model.frame, CENTRE)
    displacement = float(np.linalg.norm(apply_affine(np.linalg.inv(t2w_to_t1w), middle) - middle))
    return Pair(moved, fit.correlation, sharpness, coverage, displacement)
