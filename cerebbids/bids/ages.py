"""Units of ages, and what the description of a column of ages tells of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OLDEST = 120.0
"""Years; nobody is older."""
CODES = frozenset({777.0, 888.0, 999.0, 9999.0})
"""Numbers that stand for a missing age in many tables."""

_YEARS = {"year": 1.0, "yr": 1.0, "y": 1.0, "a": 1.0, "month": 1 / 12, "mo": 1 / 12, "week": 7 / 365.25}
_YEARS |= {"wk": 7 / 365.25, "day": 1 / 365.25, "d": 1 / 365.25}
_SHORTER = re.compile(r"\b(month|week|day)s?\b")
_BIRTH = re.compile(r"\b(birth|born)\b")
_FROM_CONCEPTION = re.compile(r"post-?\s?(menstrual|conception)|gestation|\bpma\b")


def years_of(unit: str) -> float | None:
    """Years of a unit of age; none where it is not known.

    Examples
    --------
    >>> years_of("Months") == 1 / 12, years_of("yrs."), years_of("moons")
    (True, 1.0, None)
    """
    word = unit.strip().lower().rstrip(".")
    return _YEARS.get(word, _YEARS.get(word.rstrip("s")))


def from_conception(about: Mapping[str, Any]) -> bool:
    """Whether ages are told from conception, not from birth.

    Parameters
    ----------
    about : dict
        What a sidecar says of their column.

    Examples
    --------
    >>> from_conception({"Units": "weeks", "Description": "Postmenstrual age"})
    True
    """
    return bool(_FROM_CONCEPTION.search(_words(about)))


def of_birth(about: Mapping[str, Any]) -> bool:
    """Whether the description of ages speaks of birth.

    Examples
    --------
    >>> of_birth({"Units": "weeks", "Description": "Gestational age at birth"})
    True
    """
    return bool(_BIRTH.search(_words(about)))


def other_unit(about: Mapping[str, Any]) -> str:
    """Find a unit shorter than years that the words of a description speak of; nothing where they speak of years.

    Examples
    --------
    >>> other_unit({"Description": "Age in months"}), other_unit({"Description": "Years, at the day of the scan"})
    ('months', '')
    """
    words = _words(about)
    found = _SHORTER.search(words)
    return found[0] if found and "year" not in words else ""


def _words(about: Mapping[str, Any]) -> str:
    return " ".join(str(about.get(key, "")) for key in ("Units", "Description", "LongName")).lower()
