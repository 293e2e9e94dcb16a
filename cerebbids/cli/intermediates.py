"""Removing intermediate files: this program's own, and nobody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cerebbids.bids.query import SourceImage

WORKFLOW = "cerebbids_wf"
"""Folder of all workflows in the work folder."""
_OF_ALL = {"batch"}
"""Folders in it that belong to no image: scripts of jobs."""


def remove_intermediates(work_dir: Path, images: Iterable[SourceImage]) -> None:
    """Remove what a run keeps of images in the work folder; other runs may be using the rest of it.

    Parameters
    ----------
    work_dir : Path
        Work folder; goes, too, when nothing else is left in it.
    images : iterable of SourceImage
        Images whose intermediate files go.
    """
    for image in images:
        shutil.rmtree(work_dir / WORKFLOW / image.workflow, ignore_errors=True)
    folder = work_dir / WORKFLOW
    if folder.is_dir() and {path.name for path in folder.iterdir() if path.is_dir()} <= _OF_ALL:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(work_dir / ".cache", ignore_errors=True)
        with suppress(OSError):  # something else is there
            work_dir.rmdir()
