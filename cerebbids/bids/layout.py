"""PyBIDS' view of a dataset: the folders as they are, or a database of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from cerebbids.errors import UsageError

_OTHER_DATA = r"/(func|dwi|fmap|eeg|ieeg|meg|perf|pet|beh|micr|nirs|motion|mrs)/"
_OTHER_IMAGES = r"/anat/(?!.*_T[12]w\.nii(\.gz)?$)[^/]*$"
FEW = 50
"""Participants up to which a pattern of their names is quicker than looking at all."""


def open_layout(bids_dir: Path, subjects: Collection[str], database: Path | None) -> Any:
    """Let PyBIDS look at the folders of participants, or into a database.

    Parameters
    ----------
    bids_dir : Path
        Root of the dataset.
    subjects : collection of str
        Labels of those whose images are asked for; others may be looked at, too.
    database : Path, optional
        Folder of a database of the whole dataset; made where there is none, and else taken as it is.

    Returns
    -------
    bids.BIDSLayout
        T1w and T2w images, without metadata.

    Raises
    ------
    UsageError
        It is no dataset, or the database is none, or one of another dataset.
    """
    if database is None:
        return _read_folders(bids_dir, subjects if len(subjects) <= FEW else ())
    if not (database / "layout_index.sqlite").exists():
        _make(database, bids_dir)
    return _read_database(database, bids_dir)


def _read_folders(bids_dir: Path, subjects: Collection[str], **where: Path) -> Any:
    from bids import BIDSLayout, BIDSLayoutIndexer
    from bids.exceptions import BIDSValidationError

    named = rf"(?:{'|'.join(map(re.escape, subjects))})(?:/|$)" if subjects else ""
    ignore = [re.compile(pattern) for pattern in (rf"^/(?!sub-{named})", _OTHER_DATA, _OTHER_IMAGES, r"/\.")]
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=ignore)
    try:
        return BIDSLayout(bids_dir, indexer=indexer, **where)
    except (BIDSValidationError, TypeError, ValueError, OSError) as error:
        told = " ".join(str(error).split()).partition(". ")[0]  # PyBIDS goes on with an example
        reason = f"is not a BIDS dataset ({told[:120]})"
        mend = 'its root needs a dataset_description.json with "Name" and "BIDSVersion"'
        raise UsageError(str(bids_dir), reason, mend) from error


def _make(database: Path, bids_dir: Path) -> None:
    """Make a database beside its place, and move it there: runs that start together all find a whole one."""
    draft = database.with_name(f".{uuid4().hex[:8]}_{database.name}")
    try:
        draft.mkdir(parents=True)
        _read_folders(bids_dir, (), database_path=draft)
        if database.is_dir():
            database.rmdir()
        draft.rename(database)
    except OSError as error:
        if not (database / "layout_index.sqlite").exists():
            raise UsageError(str(database), f"cannot be made ({error.strerror})", "choose an empty folder") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(draft)


def _read_database(database: Path, bids_dir: Path) -> Any:
    from bids import BIDSLayout

    mend = "remove it, and it is made anew"
    try:
        layout = BIDSLayout(bids_dir, database_path=database)
        files = layout.get(return_type="filename")
    except Exception as error:  # of SQLite, SQLAlchemy, JSON and PyBIDS, by what is wrong with it
        raise UsageError(str(database), f"is no database of PyBIDS ({type(error).__name__})", mend) from error
    if Path(layout.root).resolve() != bids_dir.resolve():
        raise UsageError(str(database), f"is of another dataset ({layout.root})", "choose a folder for each dataset")
    gone = next((path for path in files if not Path(path).exists()), None)
    if gone:
        raise UsageError(str(database), f"is older than the dataset ({gone} is gone)", mend)
    return layout
