"""The intracranial cavity of a head: everything inside the skull, fluid included."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.resample import blurred, resample
from cerebbids.inference.answer import keep_largest
from cerebbids.inference.segment import crop_probabilities, labels_on_grid
from cerebbids.systems.grid import Grid

MIRROR = (0, 1)
"""Outside and inside are what they were in the mirror image."""
MIN_COVERED = 0.95
"""Share of the template's brain that a cavity has to hold, as far as the image shows it."""


def find_cavity(
    net: torch.nn.Module, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, device: torch.device
) -> nib.Nifti1Image:
    """Label everything inside the skull.

    Parameters
    ----------
    net : Module
    grid : Grid
        Whole head, in the working space.
    t1w : Nifti1Image
        3D, with its skull; any contrast.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    device : torch.device

    Returns
    -------
    Nifti1Image
        uint8 mask on the grid of the T1w image, one piece without holes.
    """
    seen = resample(blurred(t1w, grid.spacing), grid.shape, grid.affine, np.linalg.inv(t1w_to_mni))
    data = seen.get_fdata(dtype=np.float32).clip(0)
    probabilities = crop_probabilities(net, data, MIRROR, device)
    whole = keep_largest(probabilities)
    inside = labels_on_grid(whole, grid, t1w.shape, t1w.affine, t1w_to_mni, (1,))
    return with_data(t1w, ndimage.binary_fill_holes(inside).astype(np.uint8))


def holds_brain(cavity: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> bool:
    """Whether a cavity holds the brain that the template has there: what does not is none."""
    brain = np.asarray(brain_mask(cavity, t1w_to_mni, 0.0).dataobj) > 0
    return bool(np.asarray(cavity.dataobj)[brain].mean() > MIN_COVERED)
