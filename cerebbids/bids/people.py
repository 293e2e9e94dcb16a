"""Ages and sexes of a dataset's people, as its tables tell them; what they do not tell has a reason."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cerebbids.bids.ages import CODES, OLDEST, from_conception, other_unit, years_of
from cerebbids.bids.names import sidecar_path
from cerebbids.errors import UsageError

_TWICE = "has two rows that differ in"
_LISTED, _LONGEST = 5, 20
"""Reasons that are told, and characters of a cell that are shown."""

_MISSING = ("", "n/a", "na", "nan")
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True)
class Person:
    """What is known of a participant at one session.

    Parameters
    ----------
    age : float or None
        Years since birth.
    sex : str or None
        ``female`` or ``male``.
    why_no_age, why_no_sex : str
        Why one of them is not known.
    age_from : str
        Name of the table that tells the age.
    """

    age: float | None = None
    sex: str | None = None
    why_no_age: str = ""
    why_no_sex: str = ""
    age_from: str = field(default="", compare=False)


@dataclass(frozen=True)
class People:
    """All people of a dataset.

    Parameters
    ----------
    participants : dict of str to Person
        By ``sub-01``.
    sessions : dict of (str, str) to Person
        By participant and ``ses-a``, where a table of sessions tells an age.
    warnings : tuple of str
        What was understood, but might be wrong.
    source : str
        Name of the table.
    """

    participants: Mapping[str, Person] = field(default_factory=dict)
    sessions: Mapping[tuple[str, str], Person] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    source: str = "participants.tsv"

    def of(self, participant: str, session: str = "") -> Person:
        """Find somebody.

        Where a participant has a table of ages at sessions, a session is given no other age: that may be years older.

        Parameters
        ----------
        participant, session : str
            ``sub-01``, and ``ses-a`` or nothing.

        Examples
        --------
        >>> People({"sub-1": Person(30.0, "male")}).of("sub-1", "ses-2").age
        30.0
        >>> People().of("sub-1").why_no_sex
        'sub-1 is not in participants.tsv'
        """
        reason = f"{participant} is not in {self.source}"
        person = self.participants.get(participant, Person(why_no_age=reason, why_no_sex=reason))
        if not session or not any(who == participant for who, _ in self.sessions):
            return person
        table = f"{participant}_sessions.tsv"
        then = self.sessions.get((participant, session), Person(why_no_age=f"{session} is not in {table}"))
        return Person(then.age, person.sex, then.why_no_age, person.why_no_sex, table)


@dataclass(frozen=True)
class _Table:
    """Rows of a table, and what its sidecar says of its columns."""

    path: Path
    rows: Sequence[Mapping[str, str]]
    described: Mapping[str, Any]

    def column(self, *names: str) -> str | None:
        """Name of the first of these columns that there is, in whatever case."""
        there = {name.lower(): name for name in (self.rows[0] if self.rows else {}) if name}
        return next((there[name] for name in names if name in there), None)

    def about(self, column: str) -> Mapping[str, Any]:
        """What the sidecar says of a column."""
        told = self.described.get(column, {})
        return told if isinstance(told, Mapping) else {}


def read_people(participants: Path, subjects: Iterable[str] = ("*",)) -> People:
    """Read ``participants.tsv``, and tables of sessions in its folder.

    The unit of ages is that of the JSON file beside the table (years, months, weeks or days), else years. Where it is
    not told and there is an age above 120, no age is taken: they may be months. No age at a session is taken whose unit
    is not told: those of one participant are too few to tell months from years.

    Parameters
    ----------
    participants : Path
        The table; one that does not exist gives nobody.
    subjects : iterable of str
        Labels without ``sub-`` whose tables of sessions are read, one file each; all where none are given.

    Raises
    ------
    UsageError
        It cannot be read, or has no column participant_id.
    """
    if not participants.exists():
        return People(source=participants.name)
    table = _read(participants, participants.with_suffix(".json"))
    name = table.column("participant_id")
    if name is None:
        raise UsageError(str(participants), "has no column participant_id", "give a dataset's participants.tsv")
    ages = _Ages.of_table(table)
    warnings = list(ages.warnings)
    sex = table.column("sex", "gender")
    if sex and sex.lower() == "gender":
        warnings.append(f"{participants.name}: there is no column sex, so gender is taken for it")
    found: dict[str, Person] = {}
    for row in table.rows:
        label = _label(row[name], "sub-")
        person = _person(table, row, ages, sex)
        if label in found and found[label] != person:
            reason = f"{label} {_TWICE} {participants.name}"
            person = Person(why_no_age=reason, why_no_sex=reason)
        found[label] = person
    sessions: dict[tuple[str, str], Person] = {}
    for subject in subjects:
        for path in sorted(participants.parent.glob(f"sub-{subject}/sub-{subject}_sessions.tsv")):
            sessions |= _sessions(path, warnings)
    return People(found, sessions, tuple(dict.fromkeys(warnings)), participants.name)


@dataclass(frozen=True)
class _Ages:
    """How to read a column of ages."""

    column: str | None
    years: float | None = 1.0
    why_not: str = ""
    warnings: tuple[str, ...] = ()

    @classmethod
    def of_table(cls, table: _Table, *, must_be_told: bool = False) -> _Ages:
        """Find the column and its unit."""
        name = table.path.name
        column = table.column("age")
        if column is None:
            return cls(None, None, f"{name} has no column age")
        about = table.about(column)
        if from_conception(about):
            return cls(column, None, f"{name} tells ages from conception, not from birth")
        if unit := str(about.get("Units", "")).strip().lower():
            years = years_of(unit)
            return cls(column, years, "" if years else f"{name} tells ages in {unit!r}, which is no unit known here")
        mend = f"tell it in {sidecar_path(table.path).name}: " + '{"age": {"Units": "months"}}, say'
        if other := other_unit(about):
            why = f"the unit of ages is not told, and their description speaks of {other}"
            return cls(column, None, why, (f"{name}: {why}; {mend}",))
        if must_be_told:
            why = f"{name} does not tell the unit of ages"
            return cls(column, None, why, (f"{why}; {mend}",))
        beyond = [age for row in table.rows if (age := _float(row[column])) and age > OLDEST and age not in CODES]
        if beyond:
            why = f"the unit of ages is not told, and {max(beyond):g} cannot be years"
            return cls(column, None, why, (f"{name}: {why}; {mend}",))
        return cls(column, 1.0, "", (f"{name}: the unit of ages is not told; they are taken for years",))

    def read(self, row: Mapping[str, str], where: str) -> tuple[float | None, str]:
        """Age in years, or why there is none."""
        if self.column is None or self.years is None:
            return None, self.why_not
        cell = (row[self.column] or "").strip()
        age = _float(cell)
        if cell.lower() in _MISSING:
            return None, f"no age in {where}"
        if age is None:
            return None, f"age {_shown(cell)} in {where} is no number"
        if age in CODES:
            return None, f"age {_shown(cell)} in {where} is taken for a missing one"
        if not 0 <= age * self.years <= OLDEST:
            return None, f"age {_shown(cell)} in {where} is nobody's"
        return age * self.years, ""


def _person(table: _Table, row: Mapping[str, str], ages: _Ages, column: str | None) -> Person:
    age, why_no_age = ages.read(row, table.path.name)
    if column is None:
        return Person(age, None, why_no_age, f"{table.path.name} has no column sex")
    cell = (row[column] or "").strip()
    levels = table.about(column).get("Levels")
    meaning = levels.get(cell, cell) if isinstance(levels, Mapping) else cell
    sex = _SEXES.get(cell.lower()) or _SEXES.get(str(meaning).strip().lower())
    missing = cell.lower() in _MISSING
    told = f"no sex in {table.path.name}" if missing else f"sex {_shown(cell)} in {table.path.name} is neither F nor M"
    return Person(age, sex, why_no_age, "" if sex else told, table.path.name)


def _sessions(path: Path, warnings: list[str]) -> dict[tuple[str, str], Person]:
    """Ages at sessions, where a table tells any; the others are as though it did not exist."""
    participant = path.parent.name
    sidecars = (path.with_suffix(".json"), path.parent.parent / "sessions.json")
    try:
        table = _read(path, next((one for one in sidecars if one.exists()), sidecars[0]))
    except (UsageError, OSError) as error:
        warnings.append(str(error))
        return {}
    name, ages = table.column("session_id"), _Ages.of_table(table, must_be_told=True)
    if name is None or ages.column is None:
        return {}
    warnings += ages.warnings
    found = {}
    for row in table.rows:
        age, why = ages.read(row, path.name)
        key, person = (participant, _label(row[name], "ses-")), Person(age, why_no_age=why)
        found[key] = person if found.get(key, person) == person else Person(why_no_age=f"{key[1]} {_TWICE} {path.name}")
    return found


def _label(cell: str | None, prefix: str) -> str:
    return prefix + (cell or "").strip().removeprefix(prefix)


def _read(path: Path, sidecar: Path) -> _Table:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t"))
    except (ValueError, csv.Error) as error:
        raise UsageError(str(path), "is no table", "save it as text in UTF-8, with tabs") from error
    try:
        described = json.loads(sidecar.read_text(encoding="utf-8-sig")) if sidecar.exists() else {}
    except ValueError as error:
        raise UsageError(str(sidecar), "is no JSON", "mend it") from error
    return _Table(path, rows, described if isinstance(described, Mapping) else {})


def _shown(cell: str) -> str:
    """A cell, which in a damaged table may be half of it."""
    return repr(cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}...")


def _float(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def told_once(reasons: Iterable[str]) -> str:
    """Count reasons, the most frequent first.

    Examples
    --------
    >>> told_once(["no age", "no sex", "no age"])
    '2: no age; 1: no sex'
    """
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    told = [f"{count}: {reason}" for reason, count in sorted(counts.items(), key=lambda pair: -pair[1])]
    more = [f"{len(told) - _LISTED} other reasons"] if len(told) > _LISTED else []
    return "; ".join(told[:_LISTED] + more)
