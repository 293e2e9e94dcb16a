"""Is an affine plausible, and does it really lead to a brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine

from cerebbids.imaging.affinefit import AFFINE, Fit, fit_affine
from cerebbids.imaging.matching import template_models
from cerebbids.imaging.pyramid import Pyramid
from cerebbids.imaging.template import template_brain_mask

MIN_CORRELATION, MIN_OVERLAP = 0.55, 0.70
MIN_CONTRAST = 1.0
"""White matter is brighter than grey on a T1w image from the second year of life on, and darker on a T2w one."""
DETERMINANTS = (0.6, 4.0)
"""From a brain of 3.1 litres to one of half a litre."""
MAX_STRETCH = 1.6
MAX_ROTATION = 75.0
STRIPPED = 0.12
"""Share of bright voxels around the brain under which the skull was stripped."""

BRAIN_CM3 = (850.0, 1900.0)
"""Volumes of brains with their fluid from three years on; beyond, an image is looked at twice."""


def brain_cm3(determinant: float) -> float:
    """Volume of the brain, with its fluid, that goes with the determinant of image world -> template world.

    Examples
    --------
    >>> round(brain_cm3(1.0) / brain_cm3(2.0), 6)
    2.0
    """
    mask = template_brain_mask()
    voxel_cm3 = abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    return float(np.count_nonzero(np.asarray(mask.dataobj)) * voxel_cm3 / determinant)


def size_warnings(determinant: float) -> tuple[str, ...]:
    """Doubt the voxel size of an image whose brain would be smaller or larger than brains are.

    Parameters
    ----------
    determinant : float
        Of image world -> template world.

    Examples
    --------
    >>> size_warnings(1.3)
    ()
    >>> size_warnings(0.65)
    ('The brain would measure 2902 cm3: look at the voxel size in the header.',)
    """
    volume = brain_cm3(determinant)
    if BRAIN_CM3[0] <= volume <= BRAIN_CM3[1]:
        return ()
    return (f"The brain would measure {volume:.0f} cm3: look at the voxel size in the header.",)


@dataclass(frozen=True)
class Attempt:
    """One way that was tried, and what came of it.

    Parameters
    ----------
    strategy : str
        ``head`` or ``brain`` (which template found the way in), ``wide-`` in front after a wider search.
    correlation : float
        Multiple correlation with T1w, grey and white matter of the template, every 4 mm.
    overlap : float
        Dice of image and template foreground up to 20 mm around the brain (stripped: the brain's; else the
        head's).
    determinant : float
        Of image world -> template world: how much larger than the image's is the template's brain.
    contrast : float
        Brightness of white over grey matter, where the template has them.
    skull_stripped : bool
        Whether the image shows nothing around the brain.
    refused : str
        Why it was not accepted; empty when it was.
    """

    strategy: str
    correlation: float
    overlap: float
    determinant: float
    contrast: float
    skull_stripped: bool
    refused: str


def judge(levels: Pyramid, fit: Fit, strategy: str) -> Attempt:
    """Measure a fit and say whether, and why not, it is plausible."""
    models = template_models()
    correlation = fit_affine(levels.middle, models.tissues, fit.mni_to_t1w, AFFINE, 1, 0).score
    overlap, stripped = _overlap(levels, fit)
    t1w_to_mni = np.linalg.inv(fit.mni_to_t1w)
    rotation, stretch = _rotation_and_stretch(t1w_to_mni)
    determinant = float(np.linalg.det(t1w_to_mni[:3, :3]))
    contrast = _contrast(levels, fit)
    refusals = {
        f"correlation {correlation:.2f}": correlation < MIN_CORRELATION,
        f"overlap {overlap:.2f}": overlap < MIN_OVERLAP,
        f"a brain of {brain_cm3(determinant):.0f} cm3": not DETERMINANTS[0] < determinant < DETERMINANTS[1],
        f"stretch {stretch:.2f}": stretch > MAX_STRETCH,
        f"rotation {rotation:.0f} degrees": rotation > MAX_ROTATION,
        f"white matter {contrast:.2f} times as bright as grey": contrast < MIN_CONTRAST,
    }
    refused = ", ".join(why for why, bad in refusals.items() if bad)
    return Attempt(strategy, correlation, overlap, determinant, contrast, stripped, refused)


def _overlap(levels: Pyramid, fit: Fit) -> tuple[float, bool]:
    """Dice of the foregrounds, and whether the skull was stripped."""
    samples = template_models().surroundings
    image, _, inside = levels.middle.at(apply_affine(fit.mni_to_t1w, samples.points))
    brain, head = samples.values[0] > 0.2, samples.values[1] > 0.15
    bright = (image > 0.25 * np.median(image[brain])) & inside
    stripped = bool(bright[~brain].sum() < STRIPPED * max(inside[~brain].sum(), 1))
    template = (brain if stripped else head) & inside
    return 2 * float((bright & template).sum() / max(bright.sum() + template.sum(), 1)), stripped


def _contrast(levels: Pyramid, fit: Fit) -> float:
    """Mean brightness of what is mostly white matter over that of what is mostly grey."""
    samples = template_models().tissues
    image, _, inside = levels.middle.at(apply_affine(fit.mni_to_t1w, samples.points))
    _, grey, white, _ = samples.values
    means = [np.average(image, weights=tissue**2 * inside + 1e-12) for tissue in (white, grey)]
    return float(means[0] / max(means[1], 1e-12))


def _rotation_and_stretch(matrix: np.ndarray) -> tuple[float, float]:
    """Angle in degrees of the rotation in a 4 x 4 affine, and its largest over its smallest scale."""
    u, scales, v = np.linalg.svd(matrix[:3, :3])
    cosine = (np.trace(u @ v) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), float(scales[0] / scales[-1])
