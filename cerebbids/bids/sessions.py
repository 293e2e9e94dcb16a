"""The order of a participant's sessions, and which of their images belong together."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BY_TIME, BY_NAME = "acq_time", "name"


@dataclass(frozen=True)
class Entities:
    """What the name of an image says.

    Parameters
    ----------
    participant, session : str
        ``sub-01``, and ``ses-a``, or nothing.
    others : tuple of str
        The other entities, in their order: ``acq-mprage``, ``run-1``.

    Examples
    --------
    >>> entities_of("sub-01_ses-a_acq-mprage_run-1")
    Entities(participant='sub-01', session='ses-a', others=('acq-mprage', 'run-1'))
    >>> entities_of("sub-01").session
    ''
    """

    participant: str
    session: str
    others: tuple[str, ...]


def entities_of(stem: str) -> Entities:
    """Read the name of an image without its suffix."""
    participant, *rest = stem.split("_")
    session = next((part for part in rest if part.startswith("ses-")), "")
    return Entities(participant, session, tuple(part for part in rest if part != session))


@dataclass(frozen=True)
class Pairs:
    """Images of consecutive sessions.

    Parameters
    ----------
    images : tuple of (str, str)
        Stems of an earlier image and of the next later one that has the same other entities.
    order : dict of str to str
        ``acq_time`` or ``name``: what told the order, by the participants (``sub-01``).
    """

    images: tuple[tuple[str, str], ...]
    order: Mapping[str, str]


def consecutive_images(stems: Iterable[str], bids_dir: Path) -> Pairs:
    """Pair the images of every participant's consecutive sessions.

    Parameters
    ----------
    stems : iterable of str
        Images by their names without suffix.
    bids_dir : Path
        The raw dataset, whose ``sub-*_sessions.tsv`` tell the order where they name a time for all of a participant's
        sessions; elsewhere names do, in which 2 comes before 10.

    Examples
    --------
    >>> consecutive_images(["sub-1_ses-10", "sub-1_ses-2", "sub-1_ses-2_run-2", "sub-2"], Path("/nowhere"))
    Pairs(images=(('sub-1_ses-2', 'sub-1_ses-10'),), order={'sub-1': 'name'})
    """
    series: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for stem in stems:
        told = entities_of(stem)
        if told.session:
            series.setdefault((told.participant, told.others), {})[told.session] = stem
    sessions: dict[str, set[str]] = {}
    for (participant, _), images in series.items():
        sessions.setdefault(participant, set()).update(images)
    ordered = {participant: _ordered(participant, found, bids_dir) for participant, found in sessions.items()}
    pairs = []
    for (participant, _), images in sorted(series.items()):
        there = [images[session] for session in ordered[participant][0] if session in images]
        pairs += zip(there, there[1:], strict=False)
    paired = {entities_of(earlier).participant for earlier, _ in pairs}
    return Pairs(tuple(pairs), {name: how for name, (_, how) in ordered.items() if name in paired})


def _ordered(participant: str, sessions: Iterable[str], bids_dir: Path) -> tuple[list[str], str]:
    """Sessions in their order, and what told it."""
    named = sorted(sessions, key=_by_name)
    times = _times(bids_dir / participant / f"{participant}_sessions.tsv")
    if set(named) <= times.keys():
        return sorted(named, key=times.__getitem__), BY_TIME
    return named, BY_NAME


def _by_name(session: str) -> tuple[list[tuple[int, str]], str]:
    """Key that puts numbers in names into the order of their values."""
    parts = re.split(r"(\d+)", session)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], session


def _times(table: Path) -> dict[str, datetime]:
    """When sessions were acquired, as far as a table can be read and tells it."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
    except (OSError, ValueError, csv.Error):
        return {}
    found = {}
    for row in rows:
        try:
            time = datetime.fromisoformat(str(row["acq_time"]).strip())
        except (KeyError, ValueError):
            continue
        session = f"ses-{str(row.get('session_id')).strip().removeprefix('ses-')}"
        found[session] = time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    return found
