"""A T1w image from file to clean in memory: the steps of the preprocessing workflow, one after the other."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib

from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.conform import conform
from cerebbids.imaging.denoise import denoise
from cerebbids.imaging.registration import Place, locate_brain


def clean_t1w(path: Path, threads: int) -> tuple[nib.Nifti1Image, Place]:
    """Conform an image, locate its brain, denoise it and correct its bias field.

    Parameters
    ----------
    path : Path
        T1w image as a dataset has it.
    threads : int
        CPUs to use.

    Returns
    -------
    image : Nifti1Image
        Float32, on the grid of the file.
    place : Place
        Where the brain lies, in the conformed image as in the clean one.

    Raises
    ------
    BadImage
        As :func:`~cerebbids.imaging.conform.conform`.
    RegistrationFailed
        As :func:`~cerebbids.imaging.registration.locate_brain`.
    """
    image = conform(path).image
    place = locate_brain(image, threads)
    brain = brain_mask(image, place.t1w_to_mni, 0.0)
    return correct_bias(denoise(image, place.t1w_to_mni, threads), brain, threads), place
