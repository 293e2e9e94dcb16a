"""Removing intermediate files: this program's own, and nobody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cerebbids.bids.query import SourceImage

WORKFLOW = "cerebbids_wf"
"""Folder of all workflows in the work folder."""


def remove_intermediates(work_dir: Path, images: Iterable[SourceImage]) -> None:
    """Remove what a run keeps of images in the work folder; other runs may be using the rest of it.

    Settings of libraries stay, the file of locks, which another run may just be opening, and what jobs have printed.

    Parameters
    ----------
    work_dir : Path
        Work folder.
    images : iterable of SourceImage
        Images whose intermediate files go; this process has to hold their locks.
    """
    for image in images:
        for folder in (image.workflow, Path("jobs", image.workflow)):
            shutil.rmtree(work_dir / WORKFLOW / folder, ignore_errors=True)
        for script in (work_dir / WORKFLOW / "batch").glob(f"*_{WORKFLOW}.{image.workflow}.*"):
            with suppress(OSError):
                script.unlink()
