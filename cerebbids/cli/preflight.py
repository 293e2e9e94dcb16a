"""What can be known about the run before it starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cerebbids.bids.query import SourceImage
from cerebbids.errors import CerebbidsError, UsageError
from cerebbids.imaging.conform import check_image
from cerebbids.imaging.reading import READING_BYTES, count_voxels

_ASK = """
import sys
from cerebbids.errors import CerebbidsError
from cerebbids.inference.device import find_device
try:
    print(find_device(sys.argv[1]))
except CerebbidsError as error:
    sys.exit(str(error))
"""


def refused_images(
    images: Sequence[SourceImage], threads: int, memory_gb: float, t2w: str = "auto"
) -> Iterator[tuple[SourceImage, CerebbidsError]]:
    """Read every image, and give those that cannot be processed, with the reason.

    Parameters
    ----------
    images : sequence of SourceImage
        Images to look at.
    threads : int
        CPUs to use.
    memory_gb : float
        Memory to use (GB).
    t2w : str
        That of :class:`cerebbids.config.RunConfig`: with ``real``, an image needs a T2w image.
    """
    largest = max((count_voxels(image.path) for image in images), default=0)
    with ThreadPoolExecutor(readers(largest, threads, memory_gb)) as pool:
        for image, error in zip(images, pool.map(partial(_check, t2w=t2w), images), strict=True):
            if error:
                yield image, error


def readers(voxels: int, threads: int, memory_gb: float) -> int:
    """How many images of so many voxels may be looked at together.

    Examples
    --------
    >>> readers(10_000_000, threads=8, memory_gb=16), readers(100_000_000, threads=8, memory_gb=4)
    (8, 2)
    """
    return max(1, min(threads, int(memory_gb * 1e9 / max(READING_BYTES * voxels, 1))))


def missing_t2w(image: SourceImage, t2w: str) -> CerebbidsError | None:
    """Why an image cannot be worked on for want of a T2w image, if so."""
    if t2w != "real" or image.t2w is not None:
        return None
    return CerebbidsError(image.relative, "has no T2w image of its session beside it", "add one, or choose --t2w auto")


def _check(image: SourceImage, t2w: str) -> CerebbidsError | None:
    missing = missing_t2w(image, t2w)
    if missing:
        return missing
    try:
        check_image(image.path)
    except CerebbidsError as error:
        return error
    except Exception as error:  # whatever is wrong with one image, or its disk, must not end the others
        return CerebbidsError(image.relative, f"cannot be read ({type(error).__name__}: {error})", "copy it again")
    return None


def choose_device(wanted: str) -> str:
    """Decide once, for all images, where the networks run.

    PyTorch is asked in a process of its own: this one, from which workers are forked, must not touch CUDA.

    Parameters
    ----------
    wanted : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Returns
    -------
    str
        ``cpu`` or ``cuda:N``.

    Raises
    ------
    UsageError
        A GPU was asked for by name and is not there, or PyTorch cannot be loaded.
    """
    if wanted == "cpu":
        return wanted
    answer = subprocess.run([sys.executable, "-P", "-c", _ASK, wanted], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return answer.stdout.split()[-1]
    error = CerebbidsError.from_line((answer.stderr.strip() or "PyTorch ended without a word").splitlines()[-1])
    raise UsageError(error.subject, error.reason, error.mend)
