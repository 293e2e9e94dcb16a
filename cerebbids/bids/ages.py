"""Units of ages, and what the description of a column of ages tells of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OLDEST = 120.0
"""Years; nobody is older."""
CODES = frozenset({777.0, 888.0, 999.0, 9999.0})
"""Numbers that stand for a missing age in many tables."""

WEEK = 7 / 365.25
"""Years."""

_YEARS = {"year": 1.0, "yr": 1.0, "y": 1.0, "a": 1.0, "month": 1 / 12, "mo": 1 / 12, "week": WEEK}
_YEARS |= {"wk": WEEK, "day": 1 / 365.25, "d": 1 / 365.25}
_SHORTER = re.compile(r"\b(months?|mos?|weeks?|wks?|days)\b|(?<=[(\[])d(?=[)\]])")
"""Words of descriptions; a day may be that of the scan, and a "d" on its own anything."""
_DAY = re.compile(r"\bday\b")
_OF_YEARS = re.compile(r"\b(years?|yrs?|y)\b")
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:[.,]\d+)?)[\s_-]*([a-z]+)")
_YOUNG = 3.0
"""Years up to which an age that cannot be read may be an infant's."""
_BIRTH = re.compile(r"\b(birth|born|chronological|post-?\s?natal)\b")
_CORRECTION = re.compile(r"correct|adjust")
_SCAN = re.compile(r"\b(scan|scans|scanned|scanning|mri|mr|imaging)\b")
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
    """Whether the description of ages speaks of birth, or of ages that count from it.

    Examples
    --------
    >>> of_birth({"Units": "weeks", "Description": "Gestational age at birth"})
    True
    """
    return bool(_BIRTH.search(_words(about)))


def of_correction(about: Mapping[str, Any]) -> bool:
    """Whether the description of ages speaks of corrected ones, be it to say that these are not.

    Examples
    --------
    >>> of_correction({"Description": "Age, not corrected for gestation"})
    True
    """
    return bool(_CORRECTION.search(_words(about)))


def of_scan(about: Mapping[str, Any]) -> bool:
    """Whether the description of ages speaks of the scan.

    Examples
    --------
    >>> of_scan({"Units": "weeks", "Description": "Gestational age at MRI"})
    True
    """
    return bool(_SCAN.search(_words(about)))


def unit_of(about: Mapping[str, Any]) -> tuple[str, float | None]:
    """Find the unit of ages and its years: none where no unit is told, or none that is known, or more than one.

    Examples
    --------
    >>> unit_of({"Units": "gestational weeks"}) == ("weeks", WEEK), unit_of({"Description": "Age in years"})
    (True, ('years', 1.0))
    >>> unit_of({"Units": "moons"}), unit_of({"Description": "Weeks or years"}), unit_of({})
    (('moons', None), ('weeks years', None), ('', None))
    """
    words = str(about.get("Units", "")).lower().split()
    if not words:
        said = _words(about)
        found = [*_SHORTER.finditer(said), *_OF_YEARS.finditer(said)] or [*_DAY.finditer(said)]
        words = [each[0] for each in found]
    units = {years: word for word in words if (years := years_of(word))}
    if len(units) == 1:
        ((years, word),) = units.items()
        return word, years
    return " ".join(words), None


def other_unit(about: Mapping[str, Any]) -> str:
    """Find units shorter than years that the words of a description speak of, alone or beside years.

    Examples
    --------
    >>> other_unit({"Description": "Age in mo"}), other_unit({"Description": "Years, at the day of the scan"})
    ('mo', '')
    >>> other_unit({"Description": "Years, or months below two years"})
    'months and years'
    """
    words = _words(about)
    years = _OF_YEARS.search(words)
    shorter = _SHORTER.search(words) or (None if years else _DAY.search(words))
    return " and ".join(found[0] for found in (shorter, years) if found) if shorter else ""


def may_be_young(cell: str) -> bool:
    """Whether a cell that is no number tells an age with its unit, and that may be an infant's.

    Examples
    --------
    >>> [may_be_young(cell) for cell in ("9 months", "9mo", "9 m", "18 wk", "1y3m", "2 years")]
    [True, True, True, True, True, True]
    >>> [may_be_young(cell) for cell in ("30 years", "25y3m", "old", "89+")]
    [False, False, False, False]
    """
    found = _NUMBER_AND_UNIT.search(cell.lower())
    if not found:
        return False
    years = 1 / 12 if found[2] == "m" else years_of(found[2])
    return years is not None and (years < 1 or float(found[1].replace(",", ".")) <= _YOUNG)


def _words(about: Mapping[str, Any]) -> str:
    return " ".join(str(about.get(key, "")) for key in ("Units", "Description", "LongName")).lower()
