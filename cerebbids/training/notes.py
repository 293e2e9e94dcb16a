"""What a folder of several runs was begun with: whoever goes on has to come with the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cerebbids.errors import UsageError
from cerebbids.files import write_text


def begin(notes: Path, told: dict[str, Any], others: str) -> None:
    """Note in a new folder what its networks come from; refuse one that was begun with something else.

    Parameters
    ----------
    notes : Path
        File in the folder.
    told : dict
        As JSON gives it back: lists, no tuples.
    others : str
        What may differ, for the message.

    Raises
    ------
    UsageError
        It was begun with something else.
    """
    if notes.exists() and json.loads(notes.read_text(encoding="utf-8")) != told:
        raise UsageError(str(notes.parent), f"was begun with other {others}", "give another --work, or remove it")
    write_text(notes, json.dumps(told, indent=1) + "\n")


def hashed(arrays: Iterable[np.ndarray | None]) -> str:
    """First digits of a hash of arrays, those aside that are none.

    Examples
    --------
    >>> hashed([np.arange(3)]) == hashed([np.arange(3), None]) != hashed([np.arange(4)])
    True
    """
    whole = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays if array is not None)
    return hashlib.sha256(whole).hexdigest()[:16]
