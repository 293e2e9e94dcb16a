"""How many people whom a fit has not seen lie below its centiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cerebbids.norms.cohort import Sample
from cerebbids.norms.curves import fit_sample, folds_of, form_of, levels_for

FOLDS = 10


@dataclass(frozen=True)
class Calibration:
    """Share of values below a centile.

    Parameters
    ----------
    structure, measure : str
    group : str
        ``all``, ``female``, ``male``, or ``younger``, ``middle`` and ``older``: thirds by age.
    n : int
        People of the group.
    level : float
        The centile, percent: what the share should be.
    below : float
        The share, percent.
    """

    structure: str
    measure: str
    group: str
    n: int
    level: float
    below: float


def cross_validated(sample: Sample, seed: int) -> tuple[Calibration, ...]:
    """Fit without a tenth of the people each, and count which of these lie below the centiles.

    Parameters
    ----------
    sample : Sample
    seed : int
        Of the folds.

    Notes
    -----
    Whoever is tested is in no way part of the fit: folds are of people with all their images. The knots of the splines
    are those of all people, as ages are known before any value is.
    """
    levels = levels_for(sample.count())
    form = form_of(sample)
    folds = folds_of(sample, FOLDS, seed)
    below = np.zeros((len(sample.values), len(levels)), bool)
    for k in range(FOLDS):
        held = folds == k
        model = fit_sample(sample.take(~held), form, levels)
        below[held] = sample.values[held, None] <= model.at(sample.ages[held], sample.male[held])
    return tuple(
        Calibration(sample.structure, sample.measure, group, sample.take(rows).count(), level, 100 * float(share))
        for group, rows in _groups(sample)
        for level, share in zip(levels, below[rows].mean(0), strict=True)
    )


def summary(found: Sequence[Calibration]) -> dict[str, dict[str, float]]:
    """Mean, lowest and highest share over structures and measures, by centiles: ``{"5": {"mean": 5.2, ...}}``."""
    told = {}
    for level in sorted({one.level for one in found}):
        shares = [one.below for one in found if one.level == level and one.group == "all"]
        numbers = {"mean": np.mean(shares), "lowest": np.min(shares), "highest": np.max(shares)}
        told[f"{level:g}"] = {name: round(float(number), 2) for name, number in numbers.items()}
    return told


def _groups(sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    yield "all", np.ones(len(sample.values), bool)
    for name, male in (("female", False), ("male", True)):
        if (sample.male == male).any():
            yield name, sample.male == male
    first, second = np.quantile(sample.ages, (1 / 3, 2 / 3))
    thirds = {"younger": sample.ages <= first, "older": sample.ages > second}
    thirds["middle"] = ~thirds["younger"] & ~thirds["older"]
    yield from ((name, rows) for name, rows in thirds.items() if rows.any())
