"""Columns of ages from conception: at the scan, and at birth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cerebbids.bids.ages import CODES, OLDEST, WEEK, from_conception, of_birth, of_scan, unit_of
from cerebbids.bids.peopletable import MISSING, Table, number, shown
from cerebbids.systems.ages import since_term

EARLIEST = 20.0
"""Postmenstrual weeks that nobody is younger than."""
SURE = 36.0
"""Months from which on it hardly matters what an age counts from."""
_LATEST_BIRTH = 45.0
"""Weeks at which nobody is still to be born."""
LATEST_BARE = 60.0
"""Without a unit, no larger number is taken for weeks at the scan."""
_BY_NEIGHBOUR = "scan_age"
"""It is from conception where another column tells the gestational age at birth."""
_AT_SCAN = (_BY_NEIGHBOUR, "pma", "postmenstrual_age")
_EITHER = "gestational_age"
_AT_BIRTH = ("birth_age", _EITHER)
COLUMNS = (*_AT_SCAN, *_AT_BIRTH)


@dataclass(frozen=True)
class Weeks:
    """Postmenstrual weeks that a row tells.

    Parameters
    ----------
    weeks : float or None
        None where nothing is told, or is not understood.
    source : str
        What was read, and where.
    why_not : str
        Why what is told is not understood; nothing where nothing is told.
    warnings : tuple of str
        Sentences: what was understood, but might be wrong.
    """

    weeks: float | None = None
    source: str = ""
    why_not: str = ""
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != NOTHING


NOTHING = Weeks()
"""What most rows tell."""


@dataclass(frozen=True)
class Gestation:
    """How to read the columns of ages from conception.

    Parameters
    ----------
    table : Table
    birth, scan : tuple of str
        Columns of ages at birth, and of those at the scan.
    odd : dict of str to float
        By columns, a number that cannot be weeks.
    """

    table: Table
    birth: tuple[str, ...]
    scan: tuple[str, ...]
    odd: Mapping[str, float]

    @classmethod
    def of_table(cls, table: Table) -> Gestation:
        """Find the columns, and numbers that cannot be weeks."""
        about = table.about(table.column(_EITHER) or "")
        either = {_EITHER} if of_scan(about) and not of_birth(about) else set()
        scan = tuple(filter(None, map(table.column, (*_AT_SCAN, *either))))
        birth = tuple(filter(None, (table.column(name) for name in _AT_BIRTH if name not in either)))
        odd = {}
        for column in (*birth, *scan):
            latest = _LATEST_BIRTH if column in birth else LATEST_BARE
            numbers = (number(row[column]) for row in table.rows if not _missing(row[column]))
            if beyond := [each for each in numbers if each is not None and not EARLIEST <= each <= latest]:
                odd[column] = beyond[0]
        return cls(table, birth, scan, odd)

    def at_birth(self, row: Mapping[str, str], elsewhere: Weeks = NOTHING) -> Weeks:
        """Read the gestational age at birth.

        Parameters
        ----------
        row : dict of str to str
            One of the table's rows.
        elsewhere : Weeks
            What another table tells of the same person.
        """
        told = [self._born(row, column) for column in self.birth if not _missing(row[column])]
        own = _agreed(told) if told else elsewhere
        return _differ(own, elsewhere) or own

    def _born(self, row: Mapping[str, str], column: str) -> Weeks:
        name = self.table.path.name
        if column.lower() == _EITHER and self.table.column("session_id") and not of_birth(self.table.about(column)):
            return Weeks(why_not=f"{name} does not tell whether {column} is that at birth or at the scan")
        born = self._read(row, column)
        if born.weeks is not None and not EARLIEST <= born.weeks <= _LATEST_BIRTH:
            return Weeks(why_not=f"{born.source} is nobody's")
        return born

    def at_scan(self, row: Mapping[str, str], born: Weeks) -> Weeks:
        """Read the postmenstrual age at the scan.

        Parameters
        ----------
        row : dict of str to str
            One of the table's rows.
        born : Weeks
            When the person was born: beside it ``scan_age``, which elsewhere may be anything, is from conception.
        """
        return _agreed([self._scanned(row, column, born) for column in self.scan if not _missing(row[column])])

    def _scanned(self, row: Mapping[str, str], column: str, born: Weeks) -> Weeks:
        scan = self._read(row, column)
        if scan.weeks is None:
            return scan
        if not EARLIEST <= scan.weeks <= OLDEST / WEEK:
            return Weeks(why_not=f"{scan.source} is nobody's")
        about = self.table.about(column)
        if column.lower() == _BY_NEIGHBOUR:
            told = (born.weeks is not None or from_conception(about)) and not of_birth(about)
        else:
            told = from_conception(about) or not of_birth(about)
        if told or since_term(scan.weeks) > SURE:
            return scan
        return Weeks(why_not=f"{self.table.path.name} does not tell whether {column} is from conception or birth")

    def _read(self, row: Mapping[str, str], column: str) -> Weeks:
        """Weeks in a cell: in the unit that the sidecar tells, else as they are where the whole column may be weeks."""
        name, cell = self.table.path.name, (row[column] or "").strip()
        value, (unit, years) = number(cell), unit_of(self.table.about(column))
        if value is None:
            return Weeks(why_not=f"{column} {shown(cell)} in {name} is no number")
        source = " ".join((column, f"{value:g}", "in", name))
        if years is None and unit:
            return Weeks(why_not=f"{name} tells {column} in {unit!r}, which is no unit known here")
        if years is not None and years > WEEK:  # years and months hardly ever count from conception
            unclear = Weeks(why_not=f"{name} does not tell whether {column} is from conception or birth")
            return unclear if 12 * value * years <= SURE else NOTHING
        if years is not None:
            return Weeks(value * years / WEEK, source)
        if column in self.odd:
            return Weeks(
                why_not=f"the unit of {column} is not told in {name}, and {self.odd[column]:g} cannot be weeks"
            )
        return Weeks(value, source, warnings=(f"The unit of {column} is not told in {name}; it was taken for weeks.",))


def _agreed(told: Sequence[Weeks]) -> Weeks:
    """The first that is understood, if no other one differs by more than a week; else why there is none.

    What has a warning counts where nothing without one is there. Of what is not understood beside it a warning tells.
    """
    understood = [each for each in told if each.weeks is not None]
    if not understood:
        return next(filter(None, told), NOTHING)
    first, *others = [each for each in understood if not each.warnings] or understood
    if contradiction := next(filter(None, (_differ(first, other) for other in others)), None):
        return contradiction
    aside = tuple(f"Left aside: {each.why_not}." for each in told if each.why_not)
    return replace(first, warnings=(*first.warnings, *aside))


def _differ(one: Weeks, other: Weeks) -> Weeks | None:
    """Say that two weeks differ by more than one, where they do."""
    if one.weeks is None or other.weeks is None or abs(one.weeks - other.weeks) <= 1:
        return None
    return Weeks(why_not=f"{one.source} and {other.source} do not agree")


def _missing(cell: str | None) -> bool:
    return (cell or "").strip().lower() in MISSING or number(cell) in CODES
