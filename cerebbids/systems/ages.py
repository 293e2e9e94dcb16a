"""Which system is for which ages: the one table that says it."""

from __future__ import annotations

import math
from dataclasses import dataclass

AUTO = "auto"
"""On the command line: every image's system goes by the age."""

_WEEKS = 30.4375 / 7
"""In a month."""
_TERM = 40.0
"""Postmenstrual weeks at birth at term."""
_IN_MONTHS = 36.0
"""Oldest age that is told in months; later ones are told in years."""


def since_term(weeks: float) -> float:
    """Months since the 40th week after the last menstrual period (corrected age), of postmenstrual weeks.

    It is rounded, by minutes, so that a week which is a boundary lies on it however it was computed.

    Examples
    --------
    >>> round(since_term(92), 2), round(since_term(36), 2)
    (11.96, -0.92)
    """
    return round((weeks - _TERM) / _WEEKS, 4)


NEWBORN = since_term(50)
"""Months up to which ages are told in postmenstrual weeks, and those since birth say too little."""


@dataclass(frozen=True)
class Span:
    """Ages from one to another, both included, in months since term (before it negative) or, later, since birth.

    Examples
    --------
    >>> 30 in Span(5, 30), 30.01 in Span(5, 30), str(Span(6, 24)), str(Span(216))
    (True, False, '6 to 24 months', '18 years and above')
    >>> str(Span(since_term(26), since_term(45)))
    '26 to 45 weeks postmenstrual'
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
        first, last = age_words(self.youngest), age_words(self.oldest)
        number, _, unit = first.partition(" ")
        return f"{number if last.endswith(f' {unit}') else first} to {last}"


@dataclass(frozen=True)
class Ages:
    """Ages of one system.

    Parameters
    ----------
    system : str
        As on the command line.
    picked : Span or None
        Ages that it is chosen at; none of one that has to be asked for.
    validated : Span or None
        Ages that it is meant for; beyond, its images are marked. None where nothing real has validated it.
    possible : Span
        Ages beyond which it is refused even where it was asked for: its labels would be wrong.
    """

    system: str
    picked: Span | None
    validated: Span | None
    possible: Span


AGES = (
    Ages("neonatal", Span(since_term(26), since_term(45)), validated=None, possible=Span(since_term(24), NEWBORN)),
    Ages("infant", picked=Span(5, 30), validated=Span(6, 24), possible=Span(oldest=36)),
    Ages("isointense", picked=None, validated=None, possible=Span(4, 12)),
    Ages("deepceres", picked=Span(30), validated=Span(18 * 12), possible=Span()),
)
"""At an age that two pick, the first is chosen; below the first and between the first two there is none."""

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
    >>> pick(since_term(40)), pick(4.9), pick(5), pick(30), pick(30.1)
    ('neonatal', None, 'infant', 'infant', 'deepceres')
    """
    return next((row.system for row in AGES if row.picked and months in row.picked), None)


def gap(months: float) -> str:
    """Tell the ages around one that no system is picked at.

    Examples
    --------
    >>> gap(since_term(25)), gap(3)
    ('below 26 weeks postmenstrual', 'between 45 weeks postmenstrual and 5 months')
    """
    spans = [row.picked for row in AGES if row.picked]
    above = age_words(min(span.youngest for span in spans if span.youngest > months))
    below = [span.oldest for span in spans if span.oldest < months]
    return f"between {age_words(max(below))} and {above}" if below else f"below {above}"


def age_words(months: float) -> str:
    """Tell an age.

    Examples
    --------
    >>> age_words(8), age_words(4.99), age_words(97), age_words(since_term(38)), age_words(0)
    ('8 months', '4.99 months', '8.08 years', '38 weeks postmenstrual', '40 weeks postmenstrual')
    """
    if months <= NEWBORN:
        return f"{_TERM + months * _WEEKS:.4g} weeks postmenstrual"
    if months <= _IN_MONTHS:
        return f"{months:.4g} months"
    return f"{months / 12:.3g} years"
