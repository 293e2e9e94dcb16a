"""Files that are either whole or not there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

_ABANDONED_SECONDS = 3600.0
"""Age from which on nobody can be writing a draft any more."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary name in the same folder, and move it to `path` when the block ends well.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> with atomic(folder / "made" / "table.tsv") as draft:
    ...     _ = draft.write_text("index")
    >>> [found.name for found in (folder / "made").iterdir()]
    ['table.tsv']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    draft = path.parent / f".{uuid4().hex[:8]}_{path.name}"
    draft.touch(exist_ok=False)
    try:
        yield draft
        _replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    with atomic(path) as draft:
        draft.write_text(text, encoding="utf-8")


def as_json(content: Any) -> str:
    r"""Text of a JSON file; raises ValueError where a number is none (NaN) or has no end.

    Examples
    --------
    >>> as_json({"Units": "mm³"})
    '{\n  "Units": "mm³"\n}\n'
    """
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _replace(draft: Path, path: Path) -> None:
    try:
        os.replace(draft, path)
    except OSError as error:  # which names the draft: nobody knows that, and it is gone
        raise OSError(error.errno, error.strerror, str(path)) from error


def _remove_abandoned(path: Path) -> None:
    """Remove what writers of `path` left behind when they were killed; others may be writing at this moment."""
    for draft in path.parent.glob(f".{'[0-9a-f]' * 8}_{escape(path.name)}"):
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > _ABANDONED_SECONDS:
                draft.unlink()
