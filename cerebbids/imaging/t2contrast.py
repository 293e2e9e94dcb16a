"""How bright tissues are in a T2w image: the contrast that synthetic T2w images have and real ones are brought to."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypeVar

Brightness = TypeVar("Brightness")
"""ndarray or Tensor."""

ECHO_MS = 100.0
"""Echo time of the image that is imitated, ms; repetition is taken to be long."""
RELAXATION = {"csf": (1.0, 2000.0), "gm": (0.82, 104.0), "wm": (0.70, 74.0)}
"""Proton density (of water) and T2 (ms) at 3 T, middle of the published values (Wansapura et al. 1999, JMRI 9:531;
Stanisz et al. 2005, MRM 54:507; fluid: Spijkerman et al. 2018, MAGMA 31:415)."""
GREY_AT = 150.0
"""Brightness of grey matter."""


def spin_echo(tissue: str) -> float:
    """Signal of a tissue in a spin-echo image, ``PD exp(-TE / T2)``, relative to water.

    Examples
    --------
    >>> spin_echo("csf") > spin_echo("gm") > spin_echo("wm")
    True
    """
    density, t2 = RELAXATION[tissue]
    return density * math.exp(-ECHO_MS / t2)


T2W_MEANS = tuple(GREY_AT * spin_echo(tissue) / spin_echo("gm") for tissue in ("csf", "gm", "wm"))
"""Brightness of fluid, grey and white matter in a standard T2w image."""


def render_t2w(t1w: Brightness, targets: tuple[float, float, float]) -> Brightness:
    """T2w contrast of an image that shows only brain, from its own T1w brightness.

    A voxel between two tissues' means is taken for a mixture of the two: its T2w brightness lies as far between
    theirs. Darker than fluid stays fluid (ventricles may be far darker than the fluid between folia, which is most of
    it), brighter than white matter stays white matter.

    Parameters
    ----------
    t1w : ndarray or Tensor
        T1w brightness, fluid, grey and white matter at ``targets``.
    targets : tuple of float
        Rising.

    Examples
    --------
    >>> import numpy as np
    >>> render_t2w(np.array([0.0, 50, 150, 250, 300]), (50, 150, 250)).round().tolist()
    [455.0, 455.0, 150.0, 87.0, 87.0]
    """
    pieces = zip(pairwise(targets), pairwise(T2W_MEANS), strict=True)
    changes = ((t1w - low).clip(0, high - low) * ((end - start) / (high - low)) for (low, high), (start, end) in pieces)
    return T2W_MEANS[0] + sum(changes)
