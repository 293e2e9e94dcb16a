"""The T2w image that belongs to a T1w image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SHARED = ("acq", "rec", "run")
"""Entities that tell the images of a session apart."""


def best_companions(t1w: Path, candidates: Iterable[Path]) -> tuple[Path, ...]:
    """Choose, of the T2w images of the same session, those whose names are most like that of the T1w image.

    They are those that agree with the T1w image in most of ``acq-``, ``rec-`` and ``run-`` (the same value, or
    neither has one), by name. A session has one folder, so that only what lies beside the T1w image is of the same
    participant and session.

    Parameters
    ----------
    t1w : Path
        The T1w image.
    candidates : iterable of Path
        T2w images, of other sessions too.

    Examples
    --------
    >>> candidates = [Path("sub-1_run-01_T2w.nii"), Path("sub-1_run-02_T2w.nii")]
    >>> print(*best_companions(Path("sub-1_acq-a_run-2_T1w.nii"), candidates))
    sub-1_run-02_T2w.nii
    """
    agreements = {path: _agreement(path.name, t1w.name) for path in candidates if path.parent == t1w.parent}
    most = max(agreements.values(), default=0)
    return tuple(sorted(path for path, agreement in agreements.items() if agreement == most))


def _agreement(one: str, other: str) -> int:
    return sum(_value(one, entity) == _value(other, entity) for entity in _SHARED)


def _value(name: str, entity: str) -> str | None:
    """Label of an entity in a file name; an index without the zeros before it."""
    found = re.search(rf"_{entity}-([a-zA-Z0-9+]+)_", name)
    return found and (found[1].lstrip("0") if entity == "run" else found[1])
