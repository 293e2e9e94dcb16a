"""Columns of ages: for norms, which want years since birth, and for the choice of a system, which takes more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cerebbids.bids.ages import CODES, OLDEST, from_conception, may_be_young, of_birth, other_unit, years_of
from cerebbids.bids.names import sidecar_path
from cerebbids.bids.peopletable import MISSING, Table, number, shown
from cerebbids.systems.ages import since_term

_EARLIEST, _SURE = 20.0, 36.0
"""Postmenstrual weeks that nobody is younger than; months from which on it hardly matters what an age counts from."""
_WEEKS = 7 / 365.25
"""Years."""
_LARGEST_OF_INFANTS = 36.0
"""Above it, a number without a unit tells years: as months it would choose the system for adults, too."""
_SYSTEM_BY_YEAR = (0.0, 1.0, 2.0)
"""Whole years within which the system, or its network, changes."""
MONTHS = ("age_months", "age_in_months", "age_mo")
"""Columns whose names tell their unit."""


@dataclass(frozen=True)
class AgeColumn:
    """How to read the column ``age`` of a table.

    Parameters
    ----------
    column : str or None
        Its name.
    years : float or None
        Its unit; none where ages are not taken.
    why_not : str
        Why they are not.
    warnings : tuple of str
        What was understood, but might be wrong.
    assumed : bool
        Whether nothing tells the unit, and years are taken for it.
    misread : bool
        Whether something tells that the unit is not years, and nothing which it is.
    largest : float or None
        Largest number in the column, codes of missing ages aside.
    whole : bool
        Whether all numbers in it are whole.
    """

    column: str | None
    years: float | None = 1.0
    why_not: str = ""
    warnings: tuple[str, ...] = ()
    assumed: bool = False
    misread: bool = False
    largest: float | None = None
    whole: bool = False

    @classmethod
    def of_table(cls, table: Table, *, must_be_told: bool = False) -> AgeColumn:
        """Find the column and its unit."""
        column = table.column("age")
        if column is None:
            return cls(None, None, f"{table.path.name} has no column age")
        numbers = [age for row in table.rows if (age := number(row[column])) is not None and age not in CODES]
        found = cls._of_column(table, column, max(numbers, default=0.0), must_be_told=must_be_told)
        return replace(found, largest=max(numbers, default=None), whole=all(age.is_integer() for age in numbers))

    @classmethod
    def _of_column(cls, table: Table, column: str, largest: float, *, must_be_told: bool) -> AgeColumn:
        name = table.path.name
        about = table.about(column)
        if from_conception(about):
            return cls(column, None, f"{name} tells ages from conception, not from birth")
        if unit := str(about.get("Units", "")).strip().lower():
            if years := years_of(unit):
                return cls(column, years)
            return cls(column, None, f"{name} tells ages in {unit!r}, which is no unit known here", misread=True)
        mend = f"tell it in {sidecar_path(table.path).name}: " + '{"age": {"Units": "months"}}, say'
        if other := other_unit(about):
            why = f"the unit of ages is not told, and their description speaks of {other}"
            return cls(column, None, why, (f"{name}: {why}; {mend}",), misread=True)
        if must_be_told:
            why = f"{name} does not tell the unit of ages"
            return cls(column, None, why, (f"{why}; {mend}",))
        if largest > OLDEST:
            why = f"the unit of ages is not told, and {largest:g} cannot be years"
            return cls(column, None, why, (f"{name}: {why}; {mend}",), misread=True)
        warning = f"{name}: the unit of ages is not told; they are taken for years"
        return cls(column, 1.0, "", (warning,), assumed=True)

    def read(self, row: Mapping[str, str], where: str) -> tuple[float | None, str]:
        """Age in years, or why there is none."""
        if self.column is None or self.years is None:
            return None, self.why_not
        cell = (row[self.column] or "").strip()
        age = number(cell)
        if why := _nothing(cell, where):
            return None, why
        if age is None or not 0 <= age * self.years <= OLDEST:
            return None, f"age {shown(cell)} in {where} is nobody's"
        return age * self.years, ""


@dataclass(frozen=True)
class ToldAge:
    """An age for the choice of a system.

    Parameters
    ----------
    months : float or None
        Since birth; of ages from conception since term (corrected age).
    source : str
        What was read, and where.
    why_not : str
        Why there is none.
    unclear : bool
        Whether an age is told all the same, and it may be anybody's: an infant's, too.
    warnings : tuple of str
        Sentences: what was understood, but might be wrong.
    """

    months: float | None = None
    source: str = ""
    why_not: str = ""
    unclear: bool = False
    warnings: tuple[str, ...] = ()


def told_age(table: Table, row: Mapping[str, str], ages: AgeColumn) -> ToldAge:
    """Read the age of a row for the choice of a system.

    One of the columns `MONTHS` comes first where it has a number: its name tells its unit. In the column ``age``, ages
    from conception are understood, too.

    Parameters
    ----------
    table : Table
    row : dict of str to str
        One of its rows.
    ages : AgeColumn
        Its column ``age``.
    """
    return _from_months(table, row) or _from_age(table, row, ages)


def _from_months(table: Table, row: Mapping[str, str]) -> ToldAge | None:
    name = table.path.name
    there = [column for each in MONTHS if (column := table.column(each))]
    column = next((each for each in there if (age := number(row[each])) is not None and age not in CODES), None)
    if column is None:
        worded = (each for each in there if may_be_young(row[each] or ""))
        reasons = (f"{each} {shown(row[each])} in {name} is no number" for each in worded)
        return next((ToldAge(why_not=why, unclear=True) for why in reasons), None)
    months, about = float(row[column]), table.about(column)
    unit = str(about.get("Units", "")).strip()
    if from_conception(about) or (unit and years_of(unit) != years_of("months")):
        return ToldAge(why_not=f"{name} describes {column} as something else", unclear=True)
    if not 0 <= months / 12 <= OLDEST:
        return ToldAge(why_not=f"{column} {shown(row[column])} in {name} is nobody's")
    return ToldAge(round(months, 6), " ".join((column, f"{months:g}", "in", name)))


def _from_age(table: Table, row: Mapping[str, str], ages: AgeColumn) -> ToldAge:
    name = table.path.name
    if ages.column is None:
        return ToldAge(why_not=ages.why_not)
    cell = (row[ages.column] or "").strip()
    if why := _nothing(cell, name):
        return ToldAge(why_not=why, unclear=number(cell) is None and may_be_young(cell))
    age = number(cell) or 0.0
    if from_conception(table.about(ages.column)):
        return _corrected(age, table.about(ages.column), name)
    years, why = ages.read(row, name)
    if years is None:
        without_unit = ages.years is None and 0 <= age <= _LARGEST_OF_INFANTS
        return ToldAge(why_not=why, unclear=ages.misread or without_unit)
    source = f"age {age:g} in {name}"
    warnings: tuple[str, ...] = ()
    if ages.assumed:
        source += ", taken for years"
        if (ages.largest or 0.0) <= _LARGEST_OF_INFANTS:
            warnings = (f"The unit of ages is not told in {name}; they were taken for years.",)
    if ages.years == 1.0 and ages.whole and years in _SYSTEM_BY_YEAR:
        if years == 0:
            return ToldAge(why_not=f"{source} is a whole number of years", unclear=True)
        warnings += (f"The age ({source}) is a whole number of years: the network may be one for another age.",)
    return ToldAge(round(12 * years, 6), source, warnings=warnings)


def _corrected(age: float, about: Mapping[str, object], name: str) -> ToldAge:
    """Corrected age of one that is told from conception: postmenstrual or gestational."""
    unit = str(about.get("Units", "")).strip().lower() or other_unit(about)
    found = [word for word in unit.split() if years_of(word)]
    years = years_of(found[0]) if len(found) == 1 else None
    if years is None:
        return ToldAge(why_not=f"{name} tells ages from conception in no unit known here", unclear=True)
    weeks = age * years / _WEEKS
    if not _EARLIEST <= weeks <= OLDEST / _WEEKS:
        return ToldAge(why_not=f"age {age:g} in {name}, from conception, is nobody's", unclear=True)
    months = since_term(weeks)
    # Of a "gestational age at birth", or of years and months, nobody knows what they count from.
    if months <= _SURE and (of_birth(about) or years > _WEEKS):
        return ToldAge(why_not=f"{name} does not tell whether ages are from conception or birth", unclear=True)
    return ToldAge(round(months, 6), f"age {age:g} {found[0]} from conception in {name}")


def _nothing(cell: str, where: str) -> str:
    """Why a cell has no age, if so."""
    if cell.lower() in MISSING:
        return f"no age in {where}"
    if number(cell) is None:
        return f"age {shown(cell)} in {where} is no number"
    return f"age {shown(cell)} in {where} is taken for a missing one" if number(cell) in CODES else ""
