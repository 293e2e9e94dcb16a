"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (minus the signal that killed it; none if it took too long) and stderr."""

    code: int | None
    stderr: str


def end_with_parent(parent: int) -> None:
    """Have the system kill this process when its parent ends, however the parent ends.

    Parameters
    ----------
    parent : int
        Process id of the parent, which may have ended already.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def run_child(command: Sequence[str], folder: Path, seconds: float) -> Ended:
    """Run a program, without a shell, that ends with this process or when its time is over.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    folder : Path
        Where it runs; gets ``stdout.txt`` and ``stderr.txt``.
    seconds : float
        Time after which it is killed.
    """
    errors = folder / "stderr.txt"
    with open(folder / "stdout.txt", "wb") as out, open(errors, "wb") as err:
        child = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            preexec_fn=partial(end_with_parent, os.getpid()),
        )  # fmt: skip
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()  # and not waited for: what hangs in a driver cannot even be killed
            code = None
    return Ended(code, errors.read_text(encoding="utf-8", errors="replace"))
