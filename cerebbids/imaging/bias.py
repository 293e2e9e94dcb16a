"""N4 bias field correction."""

from __future__ import annotations

import nibabel as nib

from cerebbids.imaging.antsio import from_ants, limit_threads, to_ants


def correct_bias(image: nib.Nifti1Image, threads: int) -> nib.Nifti1Image:
    """Divide out the smooth inhomogeneity of the coil's sensitivity.

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
    corrected = ants.n4_bias_field_correction(to_ants(image), shrink_factor=4)
    return from_ants(corrected, image)
