"""Tables of people and of their sessions, each with its JSON file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cerebbids.errors import UsageError

MISSING = ("", "n/a", "na", "nan")
"""What cells say that tell nothing."""
_LONGEST = 20
"""Characters of a cell that are shown."""


@dataclass(frozen=True)
class Table:
    """Rows of a table, and what its sidecar says of its columns."""

    path: Path
    rows: Sequence[Mapping[str, str]]
    described: Mapping[str, Any]

    def column(self, *names: str) -> str | None:
        """Name of the first of these columns that there is, in whatever case."""
        return next((self._named[name] for name in names if name in self._named), None)

    @cached_property
    def _named(self) -> Mapping[str, str]:
        """Columns by their names in lower case: asked for with every row."""
        return {name.lower(): name for name in (self.rows[0] if self.rows else {}) if name}

    def about(self, column: str) -> Mapping[str, Any]:
        """What the sidecar says of a column."""
        told = self.described.get(column, {})
        return told if isinstance(told, Mapping) else {}


def read_table(path: Path, sidecar: Path) -> Table:
    """Read a table and its JSON file, which need not exist.

    Raises
    ------
    UsageError
        One of them cannot be read.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t"))
    except (ValueError, csv.Error) as error:
        raise UsageError(str(path), "is no table", "save it as text in UTF-8, with tabs") from error
    try:
        described = json.loads(sidecar.read_text(encoding="utf-8-sig")) if sidecar.exists() else {}
    except ValueError as error:
        raise UsageError(str(sidecar), "is no JSON", "mend it") from error
    return Table(path, rows, described if isinstance(described, Mapping) else {})


def shown(cell: str) -> str:
    """A cell, which in a damaged table may be half of it."""
    return repr(cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}...")


def number(cell: str | None) -> float | None:
    """Number in a cell; none where there is none, or an infinite one."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
