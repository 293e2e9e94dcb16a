"""How the C library deals with the large arrays of a network."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt`` (``malloc.h``)."""


def keep_freed_memory() -> bool:
    """Let this process use freed memory again instead of giving every large array back to the system.

    By default each activation of a network is a fresh mapping whose pages the kernel has to clear one by one, which
    on a CPU takes about a quarter of a training step. Does nothing where the C library is not glibc.

    Returns
    -------
    bool
        Whether the C library has agreed.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
