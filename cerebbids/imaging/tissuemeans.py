"""Tissue-mean scaling (TMS): fluid, grey and white matter as bright in every T1w image."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage
from scipy.signal import find_peaks

from cerebbids.errors import BadImage
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_tissues

TARGETS = (50.0, 150.0, 250.0)
"""What the means of fluid, grey and white matter become."""
BINS = (70, (0.0, 350.0))
"""Histogram of an image with these means: how many bins from where to where."""
GREY = (0.4, 0.92)
"""Where grey matter's peak is looked for, in parts of white matter's brightness."""
FLUID = 0.7
"""Up to where fluid's peak is looked for, in parts of grey matter's."""
CLOSE = 0.06
"""How near a peak, in parts of white matter's brightness, a voxel is to count for its mean."""


@dataclass(frozen=True)
class TissueMeans:
    """Mean brightness of the three tissues in the units of an image, rising."""

    csf: float
    gm: float
    wm: float

    def __post_init__(self) -> None:
        if not 0 <= self.csf < self.gm < self.wm:
            raise ValueError(f"tissue means have to rise from fluid over grey to white matter, not {self}")


def scale_to_means(data: np.ndarray, means: TissueMeans, targets: tuple[float, float, float] = TARGETS) -> np.ndarray:
    """Map brightness by pieces of straight lines so that the tissues' means become the targets.

    The knots are (0, 0), (csf, t0), (gm, t1), (wm, t2), as in Manjon & Coupe 2016 (volBrain, section 2.1); above
    white matter the last piece goes on.

    Parameters
    ----------
    data : ndarray
        Brightness, not negative.
    means : TissueMeans
        In the same units.
    targets : tuple of float
        Rising.

    Returns
    -------
    ndarray, float32, of the same shape

    Examples
    --------
    >>> scale_to_means(np.array([0.0, 10, 20, 40, 60, 80]), TissueMeans(20, 40, 60))
    array([  0.,  25.,  50., 150., 250., 350.], dtype=float32)
    """
    knots = np.array([0.0, means.csf, means.gm, means.wm])
    heights = np.array([0.0, *targets])
    slope = (heights[3] - heights[2]) / (knots[3] - knots[2])
    scaled = np.empty(data.shape, np.float32)
    for k, plane in enumerate(data):  # a whole image in float64 would take much memory
        scaled[k] = np.interp(plane, knots, heights) + np.maximum(plane - means.wm, 0) * slope
    return scaled


def tissue_means(
    image: nib.Nifti1Image, inside: nib.Nifti1Image, t1w_to_mni: np.ndarray, name: str = "T1w image"
) -> TissueMeans:
    """Estimate how bright pure fluid, grey and white matter are, after Manjon et al. 2008 (MRM 59:866).

    Voxels that tissues share are left out, by their gradient. Fluid and white matter are the means around their peaks
    of the histogram, grey matter is the median of the more even half of what lies between. The template only says how
    bright white matter is about, so that lesions and wide ventricles, which are not where it has them, do no harm.

    Parameters
    ----------
    image : Nifti1Image
        T1w, 3D, corrected for bias, not negative.
    inside : Nifti1Image
        Mask on the same grid: intracranial cavity or brain.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm.
    name : str
        What to call the image in an error.

    Raises
    ------
    BadImage
        The tissues cannot be told apart.
    """
    mask = np.asarray(inside.dataobj) > 0
    box = tuple(slice(ends.min(), ends.max() + 1) for ends in np.nonzero(mask))
    data = np.asarray(image.dataobj, dtype=np.float32)[box]
    mask = mask[box] & (data > 0)
    zooms = np.linalg.norm(image.affine[:3, :3], axis=0)
    gradient = ndimage.gaussian_gradient_magnitude(data, 0.7 / zooms)[mask]
    values = data[mask]
    centres = _centres(values, gradient, _expected_white(image.slicer[box], mask, values, t1w_to_mni))
    try:
        return TissueMeans(*map(float, centres))
    except ValueError as error:
        reason = f"has tissues that cannot be told apart (fluid, grey, white: {np.round(centres, 1)})"
        raise BadImage(name, reason, "check that it is a T1w image of usable quality") from error


def _expected_white(part: nib.Nifti1Image, mask: np.ndarray, values: np.ndarray, t1w_to_mni: np.ndarray) -> float:
    """Median brightness where the template is sure of white matter."""
    white = resample(template_tissues()[1], part.shape, part.affine, t1w_to_mni)
    return float(np.median(values[np.asarray(white.dataobj)[mask] > 0.9]))


def _centres(values: np.ndarray, gradient: np.ndarray, white: float) -> tuple[float, float, float]:
    """Peaks of fluid, grey and white matter among the even voxels."""
    # White matter is even: it says how large a gradient noise alone makes.
    noise = np.median(gradient[np.abs(values - white) < CLOSE * white])
    even = values[gradient <= noise]
    wm = _peak(even, (0.85 * white, 1.15 * white), white)
    gm = _peak(even, (GREY[0] * wm, GREY[1] * wm), wm)
    csf = _peak(even, (0.02 * wm, FLUID * gm), wm)
    return csf, _grey(values, gradient, (csf, gm, wm)), wm


def _grey(values: np.ndarray, gradient: np.ndarray, peaks: tuple[float, float, float]) -> float:
    """Middle of the more even half of grey matter, whose cortex and nuclei make one broad peak."""
    between = (values > (peaks[0] + peaks[1]) / 2) & (values < (peaks[1] + peaks[2]) / 2)
    return float(np.median(values[between & (gradient <= np.median(gradient[between]))]))


def _peak(values: np.ndarray, between: tuple[float, float], white: float) -> float:
    """Mean of the voxels around the highest peak of the histogram in a range; NaN where there are none."""
    if not ((values > between[0]) & (values < between[1])).any():
        return float("nan")
    bins = np.arange(between[0], between[1], 0.01 * white)
    counts = ndimage.gaussian_filter1d(np.histogram(values, bins)[0].astype(float), 3, mode="nearest")
    peaks = find_peaks(counts)[0]
    top = bins[max(peaks, key=lambda k: counts[k]) if len(peaks) else counts.argmax()] + 0.005 * white
    return float(values[np.abs(values - top) <= CLOSE * white].mean())
