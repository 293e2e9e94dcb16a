"""Locks on images in the work folder, so that two runs do not write the same intermediate files."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cerebbids.bids.query import SourceImage
from cerebbids.cli.intermediates import WORKFLOW
from cerebbids.errors import Unfinished

PATIENCE_S = 3.0
"""How long the workers of a run that was killed may take to end."""


@contextmanager
def locked(work_dir: Path, images: Sequence[SourceImage]) -> Iterator[dict[str, Unfinished]]:
    """Lock images for as long as this process works on them; give those that another one has, by their stems.

    Where a file system has no locks, nobody is kept from anything.

    Parameters
    ----------
    work_dir : Path
        Folder of intermediate files.
    images : sequence of SourceImage
    """
    taken: dict[str, Unfinished] = {}
    (work_dir / WORKFLOW).mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        for image in images:
            lock = locks.enter_context(open(work_dir / WORKFLOW / f"{image.workflow}.lock", "wb"))
            if not _lock(lock.fileno()):
                reason = f"is being worked on by another run with the same work folder ({work_dir})"
                taken[image.stem] = Unfinished(image.relative, reason, "wait for its end, or choose another with -w")
        yield taken


def _lock(file: int) -> bool:
    """Lock a file unless somebody else has it, whose processes may be about to end."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        except OSError:  # a file system without locks
            return True
