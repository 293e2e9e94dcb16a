"""Where a value lies among the people of a table of norms, or why that cannot be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from cerebbids.bids.people import Person
from cerebbids.norms.table import Curve, Norms

LOWER, UPPER = 5.0, 95.0
"""Centiles that are drawn as bounds, percent."""


@dataclass(frozen=True)
class Bound:
    """A centile at somebody's age and sex, and its 95 % interval, which not all tables tell."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Place:
    """Where a value lies.

    Parameters
    ----------
    lower, upper : Bound or None
        The 5 % and 95 % centiles, in the unit of the measure; none where they are not known.
    centile : float or None
        Of the value, percent; none where it is not known or lies beyond the table's outermost centiles.
    text : str
        The same in words: ``34``, ``below 1``, or ``n/a``.
    n : int or None
        People behind the bounds.
    source : str
        Of the table.
    why : str
        Why something of this is missing; nothing where all is known.
    """

    lower: Bound | None = None
    upper: Bound | None = None
    centile: float | None = None
    text: str = "n/a"
    n: int | None = None
    source: str = ""
    why: str = ""


def place(norms: Norms, structure: str, measure: str, value: float | None, person: Person, scheme: str) -> Place:
    """Hold a value against a table of norms.

    Between two ages of the table centiles are interpolated linearly; between two centiles, the value's is interpolated
    linearly in their normal quantiles. Beyond the ages or the centiles of the table nothing is told.

    Parameters
    ----------
    norms : Norms
    structure : str
        Name of the region.
    measure : str
        ``volume_mm3``, ``icv_percent`` or ``asymmetry_percent``.
    value : float or None
        In mm3 or percent; none where it is not known.
    person : Person
        Whose value it is.
    scheme : str
        Label scheme of the value.

    Returns
    -------
    Place
    """
    told = _curve(norms, structure, measure, person, scheme)
    if isinstance(told, str):
        return Place(source=norms.source, why=told)
    at = _at(told, float(person.age or 0))
    if isinstance(at, str):
        return Place(source=norms.source, why=at)
    k, share = at
    values, low, high = (_between(grid, k, share) for grid in (told.values, told.low, told.high))
    lower, upper = (_bound(told, level, values, low, high) for level in (LOWER, UPPER))
    centile, text = _centile(told.levels, values, value)
    why = "" if lower and upper else _no_bounds(told)
    if value is None or not math.isfinite(value):
        why = _NO_VALUE.get(measure, "the value is not known")
    return Place(
        lower, upper, centile, text, int(min(told.n[k], told.n[min(k + 1, len(told.n) - 1)])), norms.source, why
    )


def _no_bounds(curve: Curve) -> str:
    """Why there is no lower or no upper bound."""
    if LOWER in curve.levels and UPPER in curve.levels:
        return f"the norms have too few people for the centiles {LOWER:g} and {UPPER:g}"
    return f"the norms do not have the centiles {LOWER:g} and {UPPER:g}"


_NO_VALUE = {"icv_percent": "the intracranial cavity is not known, and so no percentage of it"}


_NAMES = {
    "volume_mm3": "the volume",
    "icv_percent": "the percentage of the cavity",
    "asymmetry_percent": "the asymmetry",
}


def _curve(norms: Norms, structure: str, measure: str, person: Person, scheme: str) -> Curve | str:
    """The curve for somebody, or why there is none."""
    if scheme != norms.scheme:
        return f"the norms are of seg-{norms.scheme}, the value is of seg-{scheme}"
    found = {sex: norms.curves.get((structure, measure, sex)) for sex in ("female", "male", "both")}
    if not any(found.values()):
        return f"the norms do not have {_NAMES[measure]} of this region"
    if person.age is None:
        return person.why_no_age or "the age is not known"
    if curve := found.get(person.sex or "both") or found["both"]:
        return curve
    if person.sex is None:
        return person.why_no_sex or "the sex is not known"
    return f"the norms have nobody who is {person.sex}"


def _at(curve: Curve, age: float) -> tuple[int, float] | str:
    """Row before an age, and how far it is to the next one (0 to 1); or why there is none."""
    first, last = curve.ages[0], curve.ages[-1]
    if not first - 1e-4 <= age <= last + 1e-4:  # ages of the table are rounded
        return f"the age, {age:.4g} years, is outside of the norms' {first:.4g} to {last:.4g}"
    k = int(np.clip(np.searchsorted(curve.ages, age, side="right") - 1, 0, max(len(curve.ages) - 2, 0)))
    span = curve.ages[min(k + 1, len(curve.ages) - 1)] - curve.ages[k]
    share = float(np.clip((age - curve.ages[k]) / span, 0, 1)) if span else 0.0
    used = [row for row, weight in ((k, 1 - share), (k + 1, share)) if weight]
    if any(not np.isfinite(curve.values[row]).any() for row in used):
        return f"the norms have too few people near the age of {age:.4g} years"
    return k, share


def _between(grid: np.ndarray, k: int, share: float) -> np.ndarray:
    if share == 0:
        return grid[k]
    return grid[k + 1] if share == 1 else (1 - share) * grid[k] + share * grid[k + 1]


def _bound(curve: Curve, level: float, values: np.ndarray, low: np.ndarray, high: np.ndarray) -> Bound | None:
    if level not in curve.levels:
        return None
    k = curve.levels.index(level)
    if not math.isfinite(values[k]):
        return None
    return Bound(*(float(x) if math.isfinite(x) else None for x in (values[k], low[k], high[k])))  # type: ignore[arg-type]


def _centile(levels: tuple[float, ...], values: np.ndarray, value: float | None) -> tuple[float | None, str]:
    known = np.isfinite(values)
    if value is None or not math.isfinite(value) or not known.any():
        return None, "n/a"
    percents, numbers = np.array(levels)[known], values[known]
    if value < numbers[0]:
        return None, f"below {percents[0]:g}"
    if value > numbers[-1]:
        return None, f"above {percents[-1]:g}"
    centile = float(100 * ndtr(np.interp(value, numbers, ndtri(percents / 100))))
    return centile, f"{centile:.0f}" if 1 <= centile <= 99 else f"{centile:.1f}"
