"""A T2w image from file to clean, and brought to lie on the T1w image of the same session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

from cerebbids.errors import BadImage
from cerebbids.imaging.affinefit import CENTRE, Fit
from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.conform import conform
from cerebbids.imaging.denoise import denoise
from cerebbids.imaging.pyramid import pyramid
from cerebbids.imaging.rigid import PersonModel, person_model, register_rigidly
from cerebbids.imaging.t2wcheck import (
    MAX_VOXEL_MM,
    MIN_BRAIN,
    MIN_CEREBELLUM,
    MIN_CONTRASTS,
    MIN_SHARPNESS,
    SHIFT_MM,
    T2wCheck,
    measure_contrasts,
    measure_cover,
    measure_sharpness,
    tissue_points,
)


@dataclass(frozen=True)
class PreparedT2w:
    """A T2w image, or why it is not used.

    Parameters
    ----------
    check : T2wCheck
        What was measured.
    image : Nifti1Image, optional
        Float32 on the grid of the file, denoised and corrected for bias; none when it was refused.
    t2w_to_t1w : ndarray of shape (4, 4), optional
        World of the T2w image -> world of the T1w image, rigid, RAS mm; none when it was refused.
    """

    check: T2wCheck
    image: nib.Nifti1Image | None = None
    t2w_to_t1w: np.ndarray | None = None


def prepare_t2w(path: Path, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, threads: int) -> PreparedT2w:
    """Read a T2w image, find how it lies to the T1w image, clean it, and see whether it can be used.

    Parameters
    ----------
    path : Path
        T2w image as a dataset has it.
    t1w : Nifti1Image
        Clean T1w image of the same session.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the T1w image -> world of the template, RAS mm.
    threads : int
        CPUs to use.

    Raises
    ------
    CerebbidsError
        The system cannot read the file, which says nothing of the image.
    """
    check = T2wCheck(voxel_mm=_largest_voxel(path))
    if check.voxel_mm > MAX_VOXEL_MM:
        return PreparedT2w(replace(check, refused=f"its slices are {check.voxel_mm:.3g} mm thick"))
    try:
        raw = conform(path).image
    except BadImage as error:
        return PreparedT2w(replace(check, refused=f"it {error.reason}"))

    levels, model = pyramid(raw), person_model(t1w, t1w_to_mni)
    rough = register_rigidly(levels, model)
    check = _with_cover(check, *measure_cover(levels, _map(rough, model), t1w_to_mni))
    if check.refused:  # nor would there be a brain to correct the bias of
        return PreparedT2w(check)

    t2w_to_mni = t1w_to_mni @ np.linalg.inv(_map(rough, model))
    image = correct_bias(denoise(raw, t2w_to_mni, threads), brain_mask(raw, t2w_to_mni, 0.0), threads)
    levels = pyramid(image)
    fit = register_rigidly(levels, model, near=rough.mni_to_t1w)
    t1w_to_t2w = _map(fit, model)
    check = replace(
        _with_cover(check, *measure_cover(levels, t1w_to_t2w, t1w_to_mni)), displacement_mm=_displacement(fit, model)
    )
    check = _with_contrasts(check, *measure_contrasts(levels, tissue_points(t1w, t1w_to_mni), t1w_to_t2w))
    check = _with_likeness(check, fit.correlation, measure_sharpness(levels, model, fit))
    if check.refused:
        return PreparedT2w(check)
    return PreparedT2w(check, image, np.linalg.inv(t1w_to_t2w))


def _largest_voxel(path: Path) -> float:
    """Largest side of a voxel (mm) by the header; 0 for a file that is no image, of which others will tell."""
    try:
        return float(np.linalg.norm(nib.load(path).affine[:3, :3], axis=0).max())
    except Exception:
        return 0.0


def _map(fit: Fit, model: PersonModel) -> np.ndarray:
    """World of the T1w image -> world of the T2w image."""
    return fit.mni_to_t1w @ np.linalg.inv(model.frame)


def _displacement(fit: Fit, model: PersonModel) -> float:
    return float(np.linalg.norm(apply_affine(fit.mni_to_t1w, CENTRE) - apply_affine(model.frame, CENTRE)))


def _with_cover(check: T2wCheck, cerebellum: float, brain: float) -> T2wCheck:
    refused = ""
    if cerebellum < MIN_CEREBELLUM:
        refused = f"it shows only {100 * cerebellum:.0f} % of the cerebellum"
    elif brain < MIN_BRAIN:
        refused = f"it shows only {100 * brain:.0f} % of the brain"
    return replace(check, refused=check.refused or refused, cerebellum=cerebellum, brain=brain)


def _with_contrasts(check: T2wCheck, fluid: float, grey: float) -> T2wCheck:
    refused = ""
    if fluid < MIN_CONTRASTS[0] or grey < MIN_CONTRASTS[1]:
        told = f"fluid is {fluid:.2f} times as bright as grey matter, grey {grey:.2f} times as white matter"
        refused = f"it is not T2-weighted as expected ({told})"
    return replace(check, refused=check.refused or refused, fluid_to_grey=fluid, grey_to_white=grey)


def _with_likeness(check: T2wCheck, correlation: float, sharpness: float) -> T2wCheck:
    refused = ""
    if sharpness < MIN_SHARPNESS:
        told = f"a shift of {SHIFT_MM:.0f} mm takes {sharpness:.2f} from the correlation of {correlation:.2f}"
        refused = f"it does not fit the anatomy of the T1w image ({told})"
    return replace(check, refused=check.refused or refused, correlation=correlation, sharpness=sharpness)
