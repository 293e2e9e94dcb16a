"""Curves of norms from a sample, with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from cerebbids.norms.cohort import Sample
from cerebbids.norms.model import Centiles, Form, fit, slowed
from cerebbids.norms.table import LEVELS, Curve

LEAST_PEOPLE, LEAST_OF_A_SEX = 40, 20
"""Fewer people than these, of sexes with at least so many, make no curves by sex."""
LEAST_POOLED, LEAST_OF_A_POOLED_SEX = 20, 5
"""Fewer people than these, of sexes with at least so many, make no curve at all."""
NEAR, LEAST_NEAR = 0.1, 5
"""No centiles at ages with fewer than five people of the curve within a tenth of the span of their ages."""
BOOTSTRAPS = 100
"""Resamples of people; enough for standard errors (Efron and Tibshirani 1993, section 6.4)."""
SHAPE_FOLDS = 10
"""Parts of the people whose residuals, by fits to the other parts, give the shape."""
_GRID = 31
"""Ages of a curve."""
_TAIL = 2
"""People who have to lie beyond an outer centile, by expectation."""


def usable(sample: Sample) -> tuple[Sample, str]:
    """Leave out a sex of which there are too few, or pool both; also say why there can be no norms at all, or nothing.

    Parameters
    ----------
    sample : Sample
    """
    left = _of_sexes(sample, LEAST_OF_A_SEX)
    if left.count() < LEAST_PEOPLE:
        left = _of_sexes(sample, LEAST_OF_A_POOLED_SEX)
        left = replace(left, pooled=len(left.by_curve()) > 1)
    if left.count() < LEAST_POOLED:
        reason = f"fewer than {LEAST_POOLED} people, of sexes with at least {LEAST_OF_A_POOLED_SEX} each, have a value"
        return left, reason
    if np.quantile(left.values, 0.25) == np.quantile(left.values, 0.75):
        return left, "half of the values are the same"
    return left, ""


def _of_sexes(sample: Sample, least: int) -> Sample:
    """Those of sexes of which there are enough people."""
    return sample.take(np.where(sample.male, sample.count(True) >= least, sample.count(False) >= least))


def levels_for(people: int) -> tuple[float, ...]:
    """Centiles beyond which at least two of so many people can be expected to lie.

    Examples
    --------
    >>> levels_for(40)
    (5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0)
    """
    return tuple(level for level in LEVELS if people * min(level, 100 - level) >= 100 * _TAIL)


def fit_sample(sample: Sample, form: Form | None = None, levels: tuple[float, ...] | None = None) -> Centiles:
    """Fit centiles to a sample; their form and levels are those for its number of people, where none are given."""
    form, levels = form or form_of(sample), levels or levels_for(sample.count())
    return fit(sample.ages, sample.male, sample.values, form, levels, folds_of(sample, SHAPE_FOLDS, seed=0))


def folds_of(sample: Sample, count: int, seed: int) -> np.ndarray:
    """Divide people by chance into parts of the same size, each with all images of its people.

    Parameters
    ----------
    sample : Sample
    count : int
        Number of parts.
    seed : int

    Returns
    -------
    ndarray of int, (n,)
        Part of each value.
    """
    people, places = np.unique(sample.people, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(people)) % count)[places]


def form_of(sample: Sample) -> Form:
    """Choose how curved its centiles may be."""
    return Form.of(sample.ages, sample.count(), by_sex=len(sample.by_curve()) > 1)


def curves_of(sample: Sample, seed: int) -> dict[str, Curve]:
    """Fit a curve for each sex, or one for both, with the uncertainty of every centile.

    Parameters
    ----------
    sample : Sample
        As :func:`usable` leaves it.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Curve
        By the curves of :meth:`Sample.by_curve`. Volumes and percentages are not below 0.

    Notes
    -----
    The 95 % interval of a centile is it plus or minus 1.96 standard errors. These are half the distance between the
    16 % and the 84 % quantile of the centile over fits to resampled people (drawn with all their images, within each
    sex: the bootstrap, Efron and Tibshirani 1993), so that a single odd resample does not count.
    """
    model = fit_sample(sample)
    plain = _plain(sample, model)
    widened = model.shape - plain.shape
    others = [_plain(again, model) for again in _resamples(sample, np.random.default_rng(seed))]
    others = [replace(other, shape=other.shape + widened) for other in others]
    floor = -np.inf if sample.measure == "asymmetry_percent" else 0.0
    return {sex: _curve(sample.take(rows), model, others, floor) for sex, rows in sample.by_curve().items()}


def _plain(sample: Sample, model: Centiles) -> Centiles:
    """The same kind of fit without folds, a tenth of the work."""
    return fit(sample.ages, sample.male, sample.values, model.form, model.levels)


def _curve(own: Sample, model: Centiles, others: list[Centiles], floor: float) -> Curve:
    """Fill in a curve of people of one sex, or of both where the model does not tell them apart."""
    ends = np.array([own.ages.min(), own.ages.max()])
    grid = np.interp(np.linspace(*slowed(ends), _GRID), slowed(np.linspace(*ends, 1000)), np.linspace(*ends, 1000))
    ages = np.unique(np.clip(grid, *ends))
    sex = np.full(len(ages), own.male[0])
    values = np.maximum(model.at(ages, sex), floor)
    low, high = np.quantile([other.at(ages, sex) for other in others], (0.16, 0.84), axis=0)
    error = ndtri(0.975) * (high - low) / 2
    reach = NEAR * np.ptp(own.ages)
    near = [len(np.unique(own.people[np.abs(own.ages - age) <= reach])) for age in ages]
    values = np.where(np.array(near)[:, None] >= LEAST_NEAR, values, np.nan)
    count = np.full(len(ages), own.count())
    return Curve(ages, model.levels, values, np.maximum(values - error, floor), values + error, count)


def _resamples(sample: Sample, rng: np.random.Generator) -> Iterator[Sample]:
    people, places = np.unique(sample.people, return_inverse=True)
    rows = [np.flatnonzero(places == k) for k in range(len(people))]
    sexes = np.array([sample.male[own[0]] for own in rows])
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([rng.choice(np.flatnonzero(sexes == male), (sexes == male).sum()) for male in (0, 1)])
        yield sample.take(np.concatenate([rows[k] for k in drawn]))
