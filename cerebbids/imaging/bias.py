"""N4 bias field correction."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from cerebbids.imaging.antsio import limit_threads, to_ants, with_data
from cerebbids.imaging.brainmask import brain_mask

GRID_MM = 4.0
"""Spacing of the voxels that the field is fitted to."""


def correct_bias(image: nib.Nifti1Image, t1w_to_mni: np.ndarray, threads: int) -> nib.Nifti1Image:
    """Divide out the smooth inhomogeneity of the coil's sensitivity, as seen in the brain.

    The field is fitted in the brain's bounding box and goes on evenly outside, so that it depends neither on
    neck and scalp nor on the field of view. Its mean in the brain is 1.

    Parameters and result are those of :func:`cerebbids.imaging.denoise.denoise`.
    """
    import ants

    limit_threads(threads)
    brain = brain_mask(image, t1w_to_mni, 0.0)
    inside = np.asarray(brain.dataobj) > 0
    box = tuple(slice(ends.min(), ends.max() + 1) for ends in np.nonzero(inside))
    part, mask = to_ants(image.slicer[box]), to_ants(brain.slicer[box])
    shrink = max(1, round(GRID_MM / float(np.median(part.spacing))))
    field = ants.n4_bias_field_correction(part, mask, shrink_factor=shrink, return_bias_field=True).numpy()
    around = [(side.start, n - side.stop) for side, n in zip(box, image.shape, strict=True)]
    field = np.pad(field / field[inside[box]].mean(), around, mode="edge")
    return with_data(image, np.asarray(image.dataobj, dtype=np.float32) / field)
