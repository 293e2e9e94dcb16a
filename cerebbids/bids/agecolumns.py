"""Columns of ages: for norms, which want years since birth, and for the choice of a system, which takes more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cerebbids.bids.ages import (
    CODES,
    OLDEST,
    WEEK,
    from_conception,
    may_be_young,
    of_birth,
    of_correction,
    other_unit,
    unit_of,
    years_of,
)
from cerebbids.bids.gestation import EARLIEST, LATEST_BARE, NOTHING, SURE, Gestation, Weeks
from cerebbids.bids.names import sidecar_path
from cerebbids.bids.peopletable import MISSING, Table, number, shown
from cerebbids.systems.ages import NEWBORN, since_term

_CORRECTED = 24.0
"""Months since birth from which on ages are not corrected."""
_FAR = 6.0
"""Months by which no two ages differ of which one counts from birth, and one from term."""
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

    @property
    def guessed(self) -> bool:
        """Whether years are taken for a unit that may as well be another one, of infants."""
        return self.assumed and (self.largest or 0.0) <= _LARGEST_OF_INFANTS

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
        Since birth or, where it is corrected, since term: negative before.
    source : str
        What was read, and where.
    why_not : str
        Why there is none.
    unclear : bool
        Whether an age is told all the same, and it may be anybody's: an infant's, too.
    warnings : tuple of str
        Sentences: what was understood, but might be wrong.
    corrected : bool
        Whether it counts from term, for it was told from conception, or the gestational age at birth is known.
    """

    months: float | None = None
    source: str = ""
    why_not: str = ""
    unclear: bool = False
    warnings: tuple[str, ...] = ()
    corrected: bool = False


def told_age(row: Mapping[str, str], ages: AgeColumn, gestation: Gestation, born: Weeks = NOTHING) -> ToldAge:
    """Read the age of a row for the choice of a system.

    One of the columns `MONTHS` comes first where it has a number: its name tells its unit. In the column ``age``, ages
    from conception are understood, too. From two years on nothing else counts; before, a postmenstrual age comes before
    one from birth, and the latter is corrected where the gestational age at birth is told.

    Parameters
    ----------
    row : dict of str to str
        One of a table's rows.
    ages : AgeColumn
        The table's column ``age``.
    gestation : Gestation
        The table, and its columns of ages from conception.
    born : Weeks
        Gestational age at birth that another table tells.
    """
    table = gestation.table
    column = _column_of_months(table, row)
    told = _from_months(table, row, column) or _from_age(table, row, ages)
    guessed = column is None and ages.guessed and told.months is not None
    if told.months is not None and told.months >= _CORRECTED and not guessed:
        return told
    born = gestation.at_birth(row, born)
    scan = gestation.at_scan(row, born)
    if scan.weeks is not None:
        found = ToldAge(since_term(scan.weeks), scan.source, warnings=scan.warnings, corrected=True)
        return _agreeing(found, ToldAge() if guessed else told, born)
    if told.corrected:
        return _agreeing(told, ToldAge(), born)
    if not (born or scan):
        return as_if_born_at_term(told)
    why = scan.why_not or born.why_not
    if not why and told.months is None:
        why = told.why_not if told.unclear else f"{born.source} is no age at the scan"
    elif not why and guessed:
        why = f"the unit of ages is not told in {table.path.name}, and beside {born.source} they may be days or weeks"
    return ToldAge(why_not=why, unclear=True) if why else _corrected(told, born, table, column or ages.column)


def as_if_born_at_term(told: ToldAge) -> ToldAge:
    """An age from birth of a newborn whose gestational age at birth nothing tells; others stay as they are."""
    if told.months is None or told.corrected or told.months > NEWBORN:
        return told
    warning = f"The age ({told.source}) counts from birth; birth at term, at 40 weeks, was taken for granted."
    return replace(told, source=f"{told.source}, as if born at term", warnings=(*told.warnings, warning))


def _corrected(told: ToldAge, born: Weeks, table: Table, column: str | None) -> ToldAge:
    """Corrected age of one from birth, unless it may be something else."""
    about = table.about(column or "")
    weeks, at_birth = (told.months or 0.0) / 12 / WEEK, born.weeks or 0.0
    if of_correction(about):
        return ToldAge(why_not=f"{table.path.name} does not tell whether ages are corrected", unclear=True)
    years = unit_of(about)[1]
    in_weeks = years is not None and years <= WEEK
    if in_weeks and not of_birth(about) and at_birth - 1 <= weeks <= LATEST_BARE:
        why = f"{table.path.name} does not tell whether ages are from conception or birth"
        return ToldAge(why_not=why, unclear=True)
    source, warnings = f"{told.source}, {born.source}", told.warnings + born.warnings
    return ToldAge(since_term(at_birth + weeks), source, warnings=warnings, corrected=True)


def _agreeing(found: ToldAge, other: ToldAge, born: Weeks) -> ToldAge:
    """A corrected age, unless what else is told of it cannot be true at the same time."""
    if found.months is None:
        return found
    if born.weeks is not None and found.months < since_term(born.weeks - 1):
        return ToldAge(why_not=f"{found.source} is less than {born.source}", unclear=True)
    if other.months is not None and abs(found.months - other.months) > _FAR:
        return ToldAge(why_not=f"{found.source} and {other.source} do not agree", unclear=True)
    return found


def _column_of_months(table: Table, row: Mapping[str, str]) -> str | None:
    """The first column of months that has a number."""
    there = (column for each in MONTHS if (column := table.column(each)))
    return next((each for each in there if (age := number(row[each])) is not None and age not in CODES), None)


def _from_months(table: Table, row: Mapping[str, str], column: str | None) -> ToldAge | None:
    name = table.path.name
    if column is None:
        there = (column for each in MONTHS if (column := table.column(each)))
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
        return _from_conception(age, table.about(ages.column), name)
    years, why = ages.read(row, name)
    if years is None:
        without_unit = ages.years is None and 0 <= age <= _LARGEST_OF_INFANTS
        return ToldAge(why_not=why, unclear=ages.misread or without_unit)
    source = f"age {age:g} in {name}"
    warnings: tuple[str, ...] = ()
    if ages.assumed:
        source += ", taken for years"
        if ages.guessed:
            warnings = (f"The unit of ages is not told in {name}; they were taken for years.",)
    if ages.years == 1.0 and ages.whole and years in _SYSTEM_BY_YEAR:
        if years == 0:
            return ToldAge(why_not=f"{source} is a whole number of years", unclear=True)
        warnings += (f"The age ({source}) is a whole number of years: the network may be one for another age.",)
    return ToldAge(round(12 * years, 6), source, warnings=warnings)


def _from_conception(age: float, about: Mapping[str, object], name: str) -> ToldAge:
    """Corrected age of one that is told from conception: postmenstrual or gestational."""
    unit, years = unit_of(about)
    if years is None:
        return ToldAge(why_not=f"{name} tells ages from conception in no unit known here", unclear=True)
    weeks = age * years / WEEK
    if not EARLIEST <= weeks <= OLDEST / WEEK:
        return ToldAge(why_not=f"age {age:g} in {name}, from conception, is nobody's", unclear=True)
    months = since_term(weeks)
    # Of a "gestational age at birth", or of years and months, nobody knows what they count from.
    if months <= SURE and (of_birth(about) or of_correction(about) or years > WEEK):
        return ToldAge(why_not=f"{name} does not tell whether ages are from conception or birth", unclear=True)
    return ToldAge(months, f"age {age:g} {unit} from conception in {name}", corrected=True)


def _nothing(cell: str, where: str) -> str:
    """Why a cell has no age, if so."""
    if cell.lower() in MISSING:
        return f"no age in {where}"
    if number(cell) is None:
        return f"age {shown(cell)} in {where} is no number"
    return f"age {shown(cell)} in {where} is taken for a missing one" if number(cell) in CODES else ""
