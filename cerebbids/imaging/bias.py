"""N4 bias field correction."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from cerebbids.imaging.antsio import limit_threads, to_ants, with_data

GRID_MM = 4.0
"""Spacing of the voxels that the field is fitted to."""


def correct_bias(image: nib.Nifti1Image, inside: nib.Nifti1Image, threads: int) -> nib.Nifti1Image:
    """Divide out the smooth inhomogeneity of the coil's sensitivity, as seen inside a mask.

    The field is fitted in the mask's bounding box and goes on evenly outside, so that it depends neither on
    neck and scalp nor on the field of view. Its mean inside the mask is 1.

    Parameters
    ----------
    image : Nifti1Image
        3D image, not negative.
    inside : Nifti1Image
        Mask on the same grid: brain or intracranial cavity.
    threads : int
        CPUs to use.

    Returns
    -------
    Nifti1Image
        Float32 on the same grid.
    """
    import ants

    limit_threads(threads)
    mask = np.asarray(inside.dataobj) > 0
    box = tuple(slice(ends.min(), ends.max() + 1) for ends in np.nonzero(mask))
    part, region = to_ants(image.slicer[box]), to_ants(inside.slicer[box])
    shrink = max(1, round(GRID_MM / float(np.median(part.spacing))))
    field = ants.n4_bias_field_correction(part, region, shrink_factor=shrink, return_bias_field=True).numpy()
    around = [(side.start, n - side.stop) for side, n in zip(box, image.shape, strict=True)]
    field = np.pad(field / field[mask[box]].mean(), around, mode="edge")
    return with_data(image, np.asarray(image.dataobj, dtype=np.float32) / field)
