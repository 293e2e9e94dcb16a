"""Signal-to-noise ratio of a scan."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme

LEAST = 50
"""Voxels that a standard deviation can be taken from."""


def signal_to_noise(scan: nib.Nifti1Image, dseg: nib.Nifti1Image) -> float | None:
    """Brightness of the cerebellum's white matter in a scan, over its standard deviation there.

    Parameters
    ----------
    scan : Nifti1Image
        T1w image before it was denoised.
    dseg : Nifti1Image
        Labels of ``seg-Lobules`` on the same grid. Their white matter without its outer voxels counts, on each side by
        itself: a bias field across the head is no noise.

    Returns
    -------
    float or None
        Mean over both sides, rounded; none where there is too little white matter, or where it has one value only.

    Examples
    --------
    >>> labels = np.zeros((9, 9, 9), np.uint8)
    >>> labels[1:8, 1:8, 1:8] = 13
    >>> values = np.where(np.indices(labels.shape).sum(0) % 2, 90.0, 110.0)
    >>> signal_to_noise(nib.Nifti1Image(values, np.eye(4)), nib.Nifti1Image(labels, np.eye(4)))
    10.0
    """
    labels = np.asarray(dseg.dataobj)
    white = [label.index for label in load_scheme(COMPARTMENTS).labels if label.tissue == "WM"]
    ratios = [ratio for index in white if (ratio := _ratio(scan, labels == index)) is not None]
    return round(float(np.mean(ratios)), 1) if ratios else None


def _ratio(scan: nib.Nifti1Image, part: np.ndarray) -> float | None:
    box = ndimage.find_objects(part.astype(np.uint8))
    if not box:
        return None
    inner = ndimage.binary_erosion(part[box[0]])
    values = np.asarray(scan.dataobj[box[0]], dtype=float)[inner]
    spread = float(values.std(ddof=1)) if values.size >= LEAST else 0.0
    return float(values.mean()) / spread if spread > 0 else None
