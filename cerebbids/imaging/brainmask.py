"""Where the brain of an image is: the template's, put there, or what a stripped image shows."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.matching import within
from cerebbids.imaging.pyramid import Level
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask

NEAR_MM = 10.0
"""How far around the template's brain a stripped one may reach."""
FAINT = 0.05
"""What is darker than this part of the middle brightness is what stripping and resampling have left."""


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


def stripped_brain(image: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> nib.Nifti1Image:
    """Mask, uint8 on the image's grid, of what a skull-stripped image shows.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image without skull, not negative.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm; a rough one will do.
    """
    near = np.asarray(brain_mask(image, t1w_to_mni, NEAR_MM).dataobj) > 0
    data = np.asarray(image.dataobj)
    shown = near & (data > FAINT * np.median(data[near & (data > 0)]))
    pieces, _ = ndimage.label(shown)
    largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    return with_data(image, ndimage.binary_fill_holes(largest).astype(np.uint8))
