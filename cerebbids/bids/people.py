"""Ages and sexes of a dataset's people, as its tables tell them; what they do not tell has a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cerebbids.bids.agecolumns import MONTHS, AgeColumn, ToldAge, told_age
from cerebbids.bids.gestation import COLUMNS, NOTHING, Gestation, Weeks
from cerebbids.bids.peopletable import MISSING, Table, read_table, shown
from cerebbids.errors import UsageError
from cerebbids.systems.ages import UNKNOWN, pick

_TWICE = "has two rows that differ in"
_LISTED = 5
"""Reasons that are told."""

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
    ages : dict of (str, str) to ToldAge
        For the choice of a system: by participant and ``ses-a``, or nothing for what the table of participants tells.
    """

    participants: Mapping[str, Person] = field(default_factory=dict)
    sessions: Mapping[tuple[str, str], Person] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    source: str = "participants.tsv"
    ages: Mapping[tuple[str, str], ToldAge] = field(default_factory=dict)

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

    def told(self, participant: str, session: str = "") -> ToldAge:
        """Find somebody's age for the choice of a system; as with :meth:`of`, a session has no other session's.

        Examples
        --------
        >>> People().told("sub-1").why_not
        'no row in participants.tsv'
        """
        once = self.ages.get((participant, ""), ToldAge(why_not=f"no row in {self.source}"))
        if not session or not any(who == participant and then for who, then in self.ages):
            return once
        missing = ToldAge(why_not=f"{session} is not in {participant}_sessions.tsv")
        then = self.ages.get((participant, session), missing)
        return replace(then, unclear=True) if then.months is None and _may_be_young(once) else then


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
    subjects = tuple(subjects)
    told: dict[tuple[str, str], ToldAge] = {}
    born: dict[str, Weeks] = {}
    if not participants.exists():
        _all_sessions(participants.parent, subjects, [], told, born)
        return People(source=participants.name, ages=told)
    table = read_table(participants, participants.with_suffix(".json"))
    name = table.column("participant_id")
    if name is None:
        raise UsageError(str(participants), "has no column participant_id", "give a dataset's participants.tsv")
    ages, gestation = AgeColumn.of_table(table), Gestation.of_table(table)
    warnings = list(ages.warnings)
    sex = table.column("sex", "gender")
    if sex and sex.lower() == "gender":
        warnings.append(f"{participants.name}: there is no column sex, so gender is taken for it")
    found: dict[str, Person] = {}
    for row in table.rows:
        label = _label(row[name], "sub-")
        birth = gestation.at_birth(row)
        if birth != born.setdefault(label, birth):
            born[label] = Weeks(why_not=f"{label} {_TWICE} {participants.name}")
        _add(told, (label, ""), told_age(row, ages, gestation), f"{label} {_TWICE} {participants.name}")
        person = _person(table, row, ages, sex)
        if label in found and found[label] != person:
            reason = f"{label} {_TWICE} {participants.name}"
            person = Person(why_no_age=reason, why_no_sex=reason)
        found[label] = person
    sessions = _all_sessions(participants.parent, subjects, warnings, told, born)
    return People(found, sessions, tuple(dict.fromkeys(warnings)), participants.name, told)


def _add(told: dict[tuple[str, str], ToldAge], key: tuple[str, str], age: ToldAge, twice: str) -> None:
    """Add an age; where another one has been told, there is none."""
    before = told.get(key, age)
    told[key] = age if before == age else ToldAge(why_not=twice, unclear=_may_be_young(before) or _may_be_young(age))


def _may_be_young(told: ToldAge) -> bool:
    """Whether an age may be one for another system than that of unknown ages."""
    return told.unclear or (told.months is not None and pick(told.months) != UNKNOWN)


def _person(table: Table, row: Mapping[str, str], ages: AgeColumn, column: str | None) -> Person:
    age, why_no_age = ages.read(row, table.path.name)
    if column is None:
        return Person(age, None, why_no_age, f"{table.path.name} has no column sex")
    cell = (row[column] or "").strip()
    levels = table.about(column).get("Levels")
    meaning = levels.get(cell, cell) if isinstance(levels, Mapping) else cell
    sex = _SEXES.get(cell.lower()) or _SEXES.get(str(meaning).strip().lower())
    missing = cell.lower() in MISSING
    told = f"no sex in {table.path.name}" if missing else f"sex {shown(cell)} in {table.path.name} is neither F nor M"
    return Person(age, sex, why_no_age, "" if sex else told, table.path.name)


def _all_sessions(
    root: Path, subjects: Iterable[str], warnings: list[str], told: dict[tuple[str, str], ToldAge],
    born: Mapping[str, Weeks],
) -> dict[tuple[str, str], Person]:  # fmt: skip
    """People at sessions, of the tables of these participants; their ages for the choice of a system go to `told`."""
    sessions: dict[tuple[str, str], Person] = {}
    for subject in subjects:
        for path in sorted(root.glob(f"sub-{subject}/sub-{subject}_sessions.tsv")):
            sessions |= _sessions(path, warnings, told, born.get(path.parent.name, NOTHING))
    return sessions


def _sessions(
    path: Path, warnings: list[str], told: dict[tuple[str, str], ToldAge], born: Weeks
) -> dict[tuple[str, str], Person]:
    """Ages at sessions, where a table tells any; the others are as though it did not exist."""
    participant = path.parent.name
    sidecars = (path.with_suffix(".json"), path.parent.parent / "sessions.json")
    try:
        table = read_table(path, next((one for one in sidecars if one.exists()), sidecars[0]))
    except (UsageError, OSError) as error:
        warnings.append(str(error))
        return {}
    name, ages = table.column("session_id"), AgeColumn.of_table(table, must_be_told=True)
    if name is None or not (ages.column or table.column(*MONTHS) or _of_newborn(table, told.get((participant, "")))):
        return {}
    warnings += ages.warnings
    gestation = Gestation.of_table(table)
    found = {}
    for row in table.rows:
        key = participant, _label(row[name], "ses-")
        twice = f"{key[1]} {_TWICE} {path.name}"
        _add(told, key, told_age(row, ages, gestation, born), twice)
        age, why = ages.read(row, path.name)
        person = Person(age, why_no_age=why)
        found[key] = person if found.get(key, person) == person else Person(why_no_age=twice)
    return found if ages.column else {}


def _of_newborn(table: Table, once: ToldAge | None) -> bool:
    """Whether columns of ages from conception count: not those of somebody who is clearly older."""
    older = once is not None and once.months is not None and not (_may_be_young(once) or once.warnings)
    return bool(table.column(*COLUMNS)) and not older


def _label(cell: str | None, prefix: str) -> str:
    return prefix + (cell or "").strip().removeprefix(prefix)


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
