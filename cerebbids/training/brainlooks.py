"""How bright tissues are beside each other in T1w and T2w images from 26 postmenstrual weeks to the first year.

Nobody has measured this for all ages and sequences; what is known, and what the curves go by:

- in neonates at 3 T the relaxation rate R1 of frontal grey matter is 30 +- 9 % above that of white matter, and R2 80
  +- 20 % above it (Williams et al. 2005): white matter is the darker one in T1w images, and in T2w images of the usual
  echo times the brighter one by about a half;
- T2 of white matter falls from week to week in preterm infants (Counsell et al. 2003), and on from birth in all
  tissues, fastest in the first year (Leppert et al. 2009): contrast is highest in the youngest, and fades;
- white matter becomes as bright as grey matter at some six months, and after that the order is that of adults;
- brainstem, cerebellar white matter and deep grey matter mature first.

All else is chance: every image has ratios of its own around the curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cerebbids.training.infantmaps import Tissue

WEEKS = (26.0, 33.0, 40.0, 53.0, 66.0, 79.0, 92.0)
"""Postmenstrual ages of the curves: 40 is term, 66 half a year later."""
WHITE_T1W = (0.74, 0.78, 0.82, 0.91, 1.0, 1.07, 1.14)
WHITE_T2W = (1.7, 1.62, 1.5, 1.22, 1.02, 0.93, 0.88)
"""White matter beside cortex."""
DEEP_T1W = (1.06, 1.1, 1.14, 1.16, 1.15, 1.14, 1.13)
DEEP_T2W = (0.96, 0.9, 0.84, 0.84, 0.87, 0.9, 0.92)
"""Deep grey matter beside cortex; brainstem likewise."""
EARLY_T1W = (0.9, 0.96, 1.03, 1.1, 1.16, 1.2, 1.22)
EARLY_T2W = (1.25, 1.1, 0.96, 0.9, 0.87, 0.85, 0.84)
"""White matter of the cerebellum beside cortex."""
SPREAD = 0.05
"""SD of every ratio around its curve."""


@dataclass(frozen=True)
class Contrast:
    """Brightness of every tissue (values of ``Tissue``), (tissues,) float32, in images of two contrasts."""

    t1w: np.ndarray
    t2w: np.ndarray


def draw_contrast(weeks: float, rng: np.random.Generator) -> Contrast:
    """Brightness of all tissues at a postmenstrual age, as some scanner shows them."""
    grey = rng.uniform(0.45, 0.6), rng.uniform(0.28, 0.42)
    white, deep, early = (
        [
            shade * (np.interp(weeks, WEEKS, curve) + rng.normal(0, SPREAD))
            for shade, curve in zip(grey, both, strict=True)
        ]
        for both in ((WHITE_T1W, WHITE_T2W), (DEEP_T1W, DEEP_T2W), (EARLY_T1W, EARLY_T2W))
    )
    fluid = grey[0] * rng.uniform(0.12, 0.5), grey[1] * rng.uniform(1.9, 2.8)
    surroundings = _surroundings(rng), _surroundings(rng)
    return Contrast(*(
        _table(*own, rng) for own in zip(grey, white, deep, early, fluid, surroundings, strict=True)
    ))  # fmt: skip


def _table(
    grey: float, white: float, deep: float, early: float, fluid: float, around: dict[Tissue, float],
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    found = {
        Tissue.AIR: 0.0, Tissue.CORTEX: grey, Tissue.WHITE: white, Tissue.DEEP: deep, Tissue.VENTRICLE: fluid,
        Tissue.CEREBELLAR_GREY: grey * rng.uniform(0.92, 1.1), Tissue.CEREBELLAR_WHITE: early,
        Tissue.BRAINSTEM: deep * rng.uniform(0.92, 1.06), Tissue.FLUID: fluid * rng.uniform(0.9, 1.05),
        Tissue.CORD: deep * rng.uniform(0.85, 1.1), **around,
    }  # fmt: skip
    return np.array([found[tissue] for tissue in Tissue], np.float32)


def _surroundings(rng: np.random.Generator) -> dict[Tissue, float]:
    """Of what is no brain anything is possible."""
    ranges = {
        Tissue.BONE: (0.02, 0.25), Tissue.FAT: (0.5, 1.4), Tissue.MUSCLE: (0.15, 0.7), Tissue.EYE: (0.08, 1.0),
        Tissue.VEIN: (0.05, 1.0),
    }  # fmt: skip
    return {tissue: float(rng.uniform(*span)) for tissue, span in ranges.items()}
