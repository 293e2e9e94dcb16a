"""Smooth centiles by age and sex that cannot cross: restricted regression quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import linprog

_BEFORE_BIRTH = 0.75
"""Years from conception to birth."""
_FLOOR = 1e-6
"""Least residual, as a share of the spread of values: exact fits have none, and its logarithm is needed."""


@dataclass(frozen=True)
class Form:
    """How curved median and scale may be.

    Parameters
    ----------
    median_knots, scale_knots : ndarray
        Knots of natural cubic splines, as :func:`slowed` gives ages; two make a line, one a constant.
    by_sex : bool
        Whether women and men differ, by a line of age in the median, and by a factor in the scale.
    """

    median_knots: np.ndarray
    scale_knots: np.ndarray
    by_sex: bool

    @classmethod
    def of(cls, ages: np.ndarray, people: int, *, by_sex: bool) -> Form:
        """Choose it by the number of people.

        The median has a knot for every 25 of them (3 to 7), the scale one for every 75 (1 to 3).

        Examples
        --------
        >>> ages = np.linspace(20, 80, 100)
        >>> form = Form.of(ages, 100, by_sex=True)
        >>> np.exp(form.median_knots).round() - 1, len(form.scale_knots)
        (array([20., 40., 60., 80.]), 1)
        """
        return cls(
            _knots(ages, min(max(people // 25, 3), 7)),
            _knots(ages, min(max(people // 75, 1), 3)),
            by_sex,
        )


@dataclass(frozen=True)
class Centiles:
    """A fitted model.

    Parameters
    ----------
    form : Form
    median, scale : ndarray
        Coefficients of the median, and of the logarithm of the scale.
    levels : tuple of float, (L,)
        Percent.
    shape : ndarray, (L,)
        Centiles of the residuals divided by the scale.
    """

    form: Form
    median: np.ndarray
    scale: np.ndarray
    levels: tuple[float, ...]
    shape: np.ndarray

    def at(self, ages: np.ndarray, male: np.ndarray) -> np.ndarray:
        """Centiles of people.

        Parameters
        ----------
        ages : ndarray, (n,)
            Years.
        male : ndarray of bool, (n,)

        Returns
        -------
        ndarray, (n, L)
            In the unit of the values; never smaller for a higher centile.
        """
        middle, scale = self._parts(ages, male)
        return middle[:, None] + scale[:, None] * self.shape

    def residuals(self, ages: np.ndarray, male: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Distances of values from the median, divided by the scale."""
        middle, scale = self._parts(ages, male)
        return (values - middle) / scale

    def _parts(self, ages: np.ndarray, male: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        middle = _design(self.form.median_knots, ages, male, self.form.by_sex, slopes=True) @ self.median
        scale = _design(self.form.scale_knots, ages, male, self.form.by_sex, slopes=False) @ self.scale
        return middle, np.exp(scale)


def fit(
    ages: np.ndarray,
    male: np.ndarray,
    values: np.ndarray,
    form: Form,
    levels: Sequence[float],
    folds: np.ndarray | None = None,
) -> Centiles:
    """Fit centiles.

    Parameters
    ----------
    ages : ndarray, (n,)
        Years.
    male : ndarray of bool, (n,)
    values : ndarray, (n,)
    form : Form
    levels : sequence of float
        Percent, ascending.
    folds : ndarray of int, (n,), optional
        Parts of the people. Where they are given, the shape is that of the residuals of each part by a fit to the
        others: residuals of the fit itself are smaller than those of new people, and centiles would be too narrow.

    Returns
    -------
    Centiles

    Notes
    -----
    Centile tau is ``m(x) + s(x) c(tau)`` (He 1997, Am Stat 51:186): m is the median regression of the values on a
    natural cubic spline of age (slowed) and on sex, s that of the size of the residuals, and c(tau) the quantile of
    what is left when residuals are divided by s. As s is above 0 and c grows with tau, centiles do not cross. Here s is
    fitted in logarithms, which medians allow, so that it is above 0 at all ages. Median regression is the exact
    solution of its linear programme (Koenker and Bassett 1978, Econometrica 46:33) by HiGHS in scipy: a few failed
    segmentations among many images hardly move it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ages, male = rng.uniform(20, 80, 400), rng.random(400) < 0.5
    >>> values = 100 - ages / 2 + 10 * male + 5 * rng.standard_normal(400)
    >>> found = fit(ages, male, values, Form.of(ages, 400, by_sex=True), (5, 50, 95))
    >>> np.allclose(found.at(np.array([50.0]), np.array([True])), [85 - 8.2, 85, 85 + 8.2], rtol=0, atol=2)
    True
    """
    everybody = np.ones(len(values), bool)
    middle, scale = _median_and_scale(ages, male, values, form, everybody)
    model = Centiles(form, middle, scale, tuple(levels), np.zeros(len(levels)))
    if folds is None:
        residuals = model.residuals(ages, male, values)
    else:
        residuals = np.empty(len(values))
        for fold in np.unique(folds):
            held = folds == fold
            parts = _median_and_scale(ages, male, values, form, ~held)
            residuals[held] = replace(model, median=parts[0], scale=parts[1]).residuals(ages, male, values)[held]
    shape = np.quantile(residuals, np.array(levels) / 100, method="median_unbiased")
    return replace(model, shape=shape)


def _median_and_scale(
    ages: np.ndarray, male: np.ndarray, values: np.ndarray, form: Form, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the median, and of the logarithm of the scale, by some of the rows."""
    curved = _design(form.median_knots, ages[rows], male[rows], form.by_sex, slopes=True)
    middle = _median_regression(curved, values[rows])
    floor = _FLOOR * max(float(np.ptp(values)), np.finfo(float).tiny)
    sizes = np.log(np.maximum(np.abs(values[rows] - curved @ middle), floor))
    return middle, _median_regression(
        _design(form.scale_knots, ages[rows], male[rows], form.by_sex, slopes=False), sizes
    )


def slowed(ages: np.ndarray) -> np.ndarray:
    """Age on the scale of the splines: the logarithm of years since conception, as brains grow fast at first.

    Lifespan models of brain volumes have age so (Bethlehem et al. 2022, Nature 604:525).
    """
    return np.log(ages + _BEFORE_BIRTH)


def _knots(ages: np.ndarray, count: int) -> np.ndarray:
    """Knots at evenly spaced quantiles of the ages that occur, the first and last at the youngest and oldest."""
    different = np.unique(slowed(ages))
    count = min(count, len(different))
    if count < 2:
        return different[:1]
    return np.quantile(different, np.linspace(0, 1, count))


def _design(knots: np.ndarray, ages: np.ndarray, male: np.ndarray, by_sex: bool, *, slopes: bool) -> np.ndarray:
    """Columns of a regression: the value of the spline at each knot, and sex."""
    if len(knots) < 2:
        spline = np.ones((len(ages), 1))
    else:
        spline = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(slowed(ages))
    columns = [spline]
    if by_sex:
        columns.append(male[:, None].astype(float))
        if slopes and len(knots) > 1:
            along = (slowed(ages) - knots.mean()) / np.ptp(knots)
            columns.append((male * along)[:, None])
    return np.hstack(columns)


def _median_regression(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Coefficients that make the sum of absolute residuals least: the multipliers of the dual programme."""
    solved = linprog(-values, A_eq=design.T, b_eq=design.sum(0) / 2, bounds=(0, 1), method="highs")
    if solved.x is None:
        raise ArithmeticError(f"median regression has no solution ({solved.message})")
    return -np.asarray(solved.eqlin.marginals)
