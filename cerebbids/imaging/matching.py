"""What an image is compared with on its way onto the template: samples of the template, from far to near."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.imaging.affinefit import SampledModel, sample_model
from cerebbids.imaging.pyramid import Level, pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import (
    template_brain_mask,
    template_t1w,
    template_tissues,
    whole_head_template,
)

CEREBELLUM_CENTRE, CEREBELLUM_RADII = (0.0, -62.0, -35.0), (50.0, 35.0, 30.0)
"""An ellipsoid about the template's cerebellum, RAS mm."""


@dataclass(frozen=True)
class TemplateModels:
    """Samples of the template.

    Parameters
    ----------
    head, brain : SampledModel
        T1w of the whole head, or of the brain on black, every 8 mm up to 20 mm around the brain.
    tissues : SampledModel
        T1w, grey and white matter of the brain, every 4 mm.
    fine : SampledModel
        The same every 3 mm, with most weight on the cerebellum.
    surroundings : SampledModel
        T1w of brain and of head, every 4 mm up to 20 mm around the brain.
    """

    head: SampledModel
    brain: SampledModel
    tissues: SampledModel
    fine: SampledModel
    surroundings: SampledModel


@cache
def template_models() -> TemplateModels:
    """Sample the template; symmetric about x = 0, so that a mirrored image finds the mirrored affine."""
    t1w = template_t1w()
    head = np.asarray(resample(whole_head_template(), t1w.shape, t1w.affine).dataobj)
    heads = pyramid(nib.Nifti1Image((head + head[::-1]) / (2 * head.max()), t1w.affine))
    tissues = [pyramid(image) for image in (t1w, *template_tissues())]
    brain = Level(np.asarray(template_brain_mask().dataobj) > 0, t1w.affine, np.zeros(3))
    halved, quartered = brain.thinned(2), brain.thinned(4)
    # The samples reach just over the brain's edge: dark there, by fluid and bone or by skull stripping.
    return TemplateModels(
        head=sample_model([heads.coarse], within(quartered, 20), 2),
        brain=sample_model([tissues[0].coarse], within(quartered, 20), 2),
        tissues=sample_model([tissue.middle for tissue in tissues], within(halved, 4), 2),
        fine=sample_model([tissue.fine for tissue in tissues], within(brain, 2) * _cerebellum_weight(brain), 3),
        surroundings=sample_model([tissues[0].middle, heads.middle], within(halved, 20), 2),
    )


def within(mask: Level, distance: float) -> np.ndarray:
    """Voxels up to so many mm from a mask."""
    return ndimage.distance_transform_edt(~mask.data, sampling=mask.voxel) <= distance


def _cerebellum_weight(grid: Level) -> np.ndarray:
    """1 in the cerebrum, rising to 4 in the middle of the cerebellum."""
    size = zip(grid.data.shape, grid.voxel, grid.affine[:3, 3], strict=True)
    axes = [
        (start + voxel * np.arange(n) - centre) / radius
        for (n, voxel, start), centre, radius in zip(size, CEREBELLUM_CENTRE, CEREBELLUM_RADII, strict=True)
    ]
    x, y, z = np.ix_(*axes)
    return (1 + 3 * np.exp(-(x**2 + y**2 + z**2))).astype(np.float32)
