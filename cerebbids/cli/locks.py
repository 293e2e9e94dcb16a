"""Locks on images in the work folder, so that two runs do not write the same intermediate files."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cerebbids.bids.query import SourceImage
from cerebbids.cli.intermediates import WORKFLOW
from cerebbids.errors import Busy

LOCKS = "locks"
"""File in the workflows' folder: every image has a byte of it that can be locked, and none is written."""
PATIENCE_S = 3.0
"""How long the workers of a run that was killed may take to end."""
_COMMAND = getattr(fcntl, "F_OFD_SETLK", None)  # Linux has it: such locks hold until the last worker has ended


@dataclass(frozen=True)
class Locks:
    """What could be locked.

    Parameters
    ----------
    taken : dict of str to Busy
        Images that another run has, by their stems.
    hold : bool
        Whether there are locks at all: without, nobody is kept from anything.
    """

    taken: dict[str, Busy]
    hold: bool


@contextmanager
def locked(work_dir: Path, images: Sequence[SourceImage]) -> Iterator[Locks]:
    """Lock images for as long as this process works on them.

    Parameters
    ----------
    work_dir : Path
        Folder of intermediate files.
    images : sequence of SourceImage
    """
    (work_dir / WORKFLOW).mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + PATIENCE_S
    taken: dict[str, Busy] = {}
    # One file for all: of files of their own, thousands of images would need more than a process may have open.
    with open(work_dir / WORKFLOW / LOCKS, "wb") as file:
        hold = True
        for image in images:
            try:
                free = _lock(file.fileno(), image.workflow, end)
            except OSError:  # a file system without locks
                hold = False
                continue
            if not free:
                reason = f"is being worked on by another run with the same work folder ({work_dir})"
                taken[image.stem] = Busy(image.relative, reason, "wait for its end, or choose another with -w")
        yield Locks(taken, hold)


def _lock(file: int, name: str, end: float) -> bool:
    """Lock the byte of a name unless somebody else has it, whose processes may be about to end."""
    if _COMMAND is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    byte = int.from_bytes(sha256(name.encode()).digest()[:7])  # as many as two images never share
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    while True:
        try:
            fcntl.fcntl(file, _COMMAND, wanted)
            return True
        except (BlockingIOError, PermissionError):  # either may tell of another's lock
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
