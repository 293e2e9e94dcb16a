"""Adaptive non-local means for the Rician noise of magnitude images."""

from __future__ import annotations

import nibabel as nib

from cerebbids.imaging.antsio import from_ants, limit_threads, to_ants


def denoise(image: nib.Nifti1Image, threads: int) -> nib.Nifti1Image:
    """Take out noise as the published system does: patch radius 1, search radius 2, Rician model.

    Parameters
    ----------
    image : Nifti1Image
        3D, not negative.
    threads : int
        ITK threads.

    Returns
    -------
    Nifti1Image
        Float32 on the same grid.
    """
    import ants

    limit_threads(threads)
    cleaned = ants.denoise_image(to_ants(image), p=1, r=2, noise_model="Rician")
    return from_ants(cleaned, image)
