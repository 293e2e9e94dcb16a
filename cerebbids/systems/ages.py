"""Which system is for which ages: the one table that says it."""

from __future__ import annotations

import math
from dataclasses import dataclass

AUTO = "auto"
"""On the command line: every image's system goes by the age."""

_WEEKS = 30.4375 / 7
"""In a month."""
_IN_MONTHS = 36.0
"""Oldest age that is told in months; later ones are told in years."""


@dataclass(frozen=True)
class Span:
    """Ages from one to another, both included, in months since birth.

    Examples
    --------
    >>> 30 in Span(5, 30), 30.01 in Span(5, 30), str(Span(6, 24)), str(Span(216))
    (True, False, '6 to 24 months', '18 years and above')
    """

    youngest: float = -math.inf
    oldest: float = math.inf

    def __contains__(self, months: float) -> bool:
        return self.youngest <= months <= self.oldest

    def __str__(self) -> str:
        if math.isinf(self.oldest):
            return f"{age_words(self.youngest)} and above"
        if math.isinf(self.youngest):
            return f"up to {age_words(self.oldest)}"
        return f"{self.youngest:g} to {age_words(self.oldest)}"


@dataclass(frozen=True)
class Ages:
    """Ages of one system.

    Parameters
    ----------
    system : str
        As on the command line.
    picked : Span
        Ages that it is chosen at.
    validated : Span
        Ages that it is meant for; beyond, its images are marked.
    possible : Span
        Ages beyond which it is refused even where it was asked for: its labels would be wrong.
    """

    system: str
    picked: Span
    validated: Span
    possible: Span


AGES = (
    Ages("infant", picked=Span(5, 30), validated=Span(6, 24), possible=Span(oldest=36)),
    Ages("deepceres", picked=Span(30), validated=Span(18 * 12), possible=Span()),
)
"""At an age that two pick, the first is chosen; below 5 months there is none."""

UNKNOWN = "deepceres"
"""System where the age is not known."""

CHOICES = (AUTO, *sorted(row.system for row in AGES))
"""What the command line takes."""


def ages_of(system: str) -> Ages:
    """Row of a system."""
    return next(row for row in AGES if row.system == system)


def pick(months: float) -> str | None:
    """System for an age; none where there is none.

    Examples
    --------
    >>> pick(4.9), pick(5), pick(30), pick(30.1), pick(600)
    (None, 'infant', 'infant', 'deepceres', 'deepceres')
    """
    return next((row.system for row in AGES if months in row.picked), None)


def youngest() -> float:
    """Months below which there is no system."""
    return min(row.picked.youngest for row in AGES)


def since_term(weeks: float) -> float:
    """Months since the 40th week after the last menstrual period (corrected age), of postmenstrual weeks.

    Examples
    --------
    >>> round(since_term(92), 2), round(since_term(36), 2)
    (11.96, -0.92)
    """
    return (weeks - 40) / _WEEKS


def age_words(months: float) -> str:
    """Tell an age.

    Examples
    --------
    >>> age_words(8), age_words(4.99), age_words(1), age_words(97), age_words(-0.92)
    ('8 months', '4.99 months', '1 month', '8.08 years', '4 weeks before term')
    """
    if months < 0:
        return f"{-months * _WEEKS:.3g} weeks before term"
    if months <= _IN_MONTHS:
        told = f"{months:.4g}"
        return f"{told} month" if told == "1" else f"{told} months"
    return f"{months / 12:.3g} years"
