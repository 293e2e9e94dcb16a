"""Adaptive non-local means for the Rician noise of magnitude images."""

from __future__ import annotations

import nibabel as nib

from cerebbids.imaging.antsio import from_ants, limit_threads, to_ants
from cerebbids.imaging.registration import locate_brain

MARGIN_MM = 6.0
"""How far around the brain noise is taken out; further away costs most of the time and is looked at by nobody."""


def denoise(image: nib.Nifti1Image, threads: int) -> nib.Nifti1Image:
    """Take the noise out of the brain: patch radius 1, search radius 2, Rician model.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image, not negative.
    threads : int
        CPUs to use.

    Returns
    -------
    Nifti1Image
        Float32 on the same grid, unchanged far from the brain.

    Raises
    ------
    RegistrationFailed
        There is no brain to be found.
    """
    import ants

    limit_threads(threads)
    region = to_ants(locate_brain(image, MARGIN_MM, threads))
    cleaned = ants.denoise_image(to_ants(image), mask=region, p=1, r=2, noise_model="Rician")
    return from_ants(cleaned, image)
