"""The template's brain, put where the brain of an image is."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.matching import within
from cerebbids.imaging.pyramid import Level
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask


def brain_mask(image: nib.Nifti1Image, t1w_to_mni: np.ndarray, margin: float) -> nib.Nifti1Image:
    """Mask, uint8 on the image's grid, of the brain and so many mm around it.

    Parameters
    ----------
    image : Nifti1Image
        3D.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm; a rough one will do.
    margin : float
        Millimetres of the template around its brain.
    """
    brain = template_brain_mask()
    thinned = Level(np.asarray(brain.dataobj) > 0, brain.affine, np.zeros(3)).thinned(2)
    region = nib.Nifti1Image(within(thinned, margin).astype(np.uint8), thinned.affine)
    found = resample(region, image.shape, image.affine, t1w_to_mni, order=0)
    return with_data(image, np.asarray(found.dataobj))
