"""Removing intermediate files: this program's own, and nobody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from cerebbids.bids.query import SourceImage

WORKFLOW = "cerebbids_wf"
"""Folder of all workflows in the work folder."""


def remove_intermediates(work_dir: Path, images: Iterable[SourceImage]) -> None:
    """Remove what a run keeps of images in the work folder; other runs may be using the rest of it.

    Some kilobytes stay: settings of libraries, and the file of locks, which another run may just be opening.

    Parameters
    ----------
    work_dir : Path
        Work folder.
    images : iterable of SourceImage
        Images whose intermediate files go; this process has to hold their locks.
    """
    for image in images:
        shutil.rmtree(work_dir / WORKFLOW / image.workflow, ignore_errors=True)
