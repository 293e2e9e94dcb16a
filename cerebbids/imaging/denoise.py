"""Adaptive non-local means for the Rician noise of magnitude images."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from cerebbids.imaging.antsio import from_ants, limit_threads, to_ants
from cerebbids.imaging.brainmask import brain_mask

MARGIN_MM = 6.0
"""How far around the brain noise is taken out; further away costs most of the time and is looked at by nobody."""


def denoise(image: nib.Nifti1Image, t1w_to_mni: np.ndarray, threads: int) -> nib.Nifti1Image:
    """Take the noise out of the brain: patch radius 1, search radius 2, Rician model.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image, not negative.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm; a rough one will do.
    threads : int
        CPUs to use.

    Returns
    -------
    Nifti1Image
        Float32 on the same grid, unchanged far from the brain.
    """
    import ants

    limit_threads(threads)
    region = to_ants(brain_mask(image, t1w_to_mni, MARGIN_MM))
    cleaned = ants.denoise_image(to_ants(image), mask=region, p=1, r=2, noise_model="Rician")
    return from_ants(cleaned, image)
