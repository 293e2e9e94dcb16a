"""The standard T1w image that networks look at: bias corrected inside a mask, tissues at fixed brightness."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.tissuemeans import TissueMeans, scale_to_means, tissue_means


@dataclass(frozen=True)
class Standard:
    """A T1w image whose fluid, grey and white matter are at 50, 150 and 250 on average, and where they were before."""

    image: nib.Nifti1Image
    means: TissueMeans


def scale_tissues(
    t1w: nib.Nifti1Image, inside: nib.Nifti1Image, t1w_to_mni: np.ndarray, name: str = "T1w image"
) -> Standard:
    """Bring the tissues of an image to fixed brightness.

    Parameters and errors are those of :func:`cerebbids.imaging.tissuemeans.tissue_means`.
    """
    means = tissue_means(t1w, inside, t1w_to_mni, name)
    scaled = scale_to_means(np.asarray(t1w.dataobj, dtype=np.float32), means)
    return Standard(with_data(t1w, scaled), means)


def standard_t1w(
    t1w: nib.Nifti1Image, inside: nib.Nifti1Image, t1w_to_mni: np.ndarray, threads: int, name: str = "T1w image"
) -> Standard:
    """Correct the bias field once more, inside the mask, and then bring the tissues to fixed brightness.

    Parameters and errors are those of :func:`cerebbids.imaging.tissuemeans.tissue_means`, and ``threads`` are the CPUs
    to use.
    """
    return scale_tissues(correct_bias(t1w, inside, threads), inside, t1w_to_mni, name)
