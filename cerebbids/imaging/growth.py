"""How the cerebellum grows in the first two years."""

from __future__ import annotations

import numpy as np

GROWTH = ((0.5, 1 / (3.4 * 1.15)), (12.0, 1 / 1.15), (24.0, 1.0))
"""Months, and volume of the cerebellum in parts of that at 24 months: by 240 % from 2 weeks to 1 year, and by 15 % from
1 to 2 years, as Sun et al. 2020 quote."""
AT_24_MONTHS = 105.0
"""Grey and white matter of the cerebellum at 24 months, cm3: 115 with the brainstem in 13 manual label maps, of which
the brainstem takes about 10."""
BRAINS = ((1, 537), (3, 619), (6, 750), (8, 850), (12, 1014), (24, 1079), (36, 1088))
"""Months, and volume of cerebrum, ventricles, cerebellum and brainstem, cm3, of one label map at each of these ages
(those of 5 to 8 months evened)."""


def brain_cm3_at(months: float) -> float:
    """Usual volume of the brain at an age, cm3.

    Examples
    --------
    >>> brain_cm3_at(18), brain_cm3_at(0.5)
    (1046.5, 537.0)
    """
    return float(np.interp(months, *zip(*BRAINS, strict=True)))


def size_at(months: float) -> float:
    """Volume of the cerebellum at an age, in parts of that at 24 months; before the first of the ages, that at it.

    Examples
    --------
    >>> round(size_at(12), 3), round(size_at(18), 3), round(size_at(6), 3)
    (0.87, 0.944, 0.666)
    >>> size_at(-0.9) == size_at(0) == size_at(0.5)
    True
    """
    ages, sizes = zip(*GROWTH, strict=True)
    # Corrected ages may be before term.
    return float(np.exp(np.interp(np.log(max(months, ages[0])), np.log(ages), np.log(sizes))))
