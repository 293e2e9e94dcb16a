"""What can be known about the run before it starts."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from cerebbids.bids.query import SourceImage
from cerebbids.cli.corrections import find_correction, label_maps
from cerebbids.cli.progress import empty_bar
from cerebbids.errors import CerebbidsError, UsageError
from cerebbids.imaging.conform import check_image
from cerebbids.imaging.reading import FIELD_OF_VIEW_MM, OF_CUT_OUT_MM, READING_BYTES, count_voxels, open_image
from cerebbids.systems.infant import INFANT
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL

_OF_PAIRS = (ISOINTENSE.name, NEONATAL.name)
"""Systems that need a T2w image, too."""
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
    yield from _failing(partial(_check, t2w=t2w), images, readers(largest, threads, memory_gb), "reading images")


def corrected_images(
    images: Sequence[SourceImage], output_dir: Path, threads: int, memory_gb: float
) -> Iterator[tuple[SourceImage, CerebbidsError]]:
    """Read every label map that there is already, and give images of which somebody has corrected one by hand.

    Parameters
    ----------
    images : sequence of SourceImage
        Images to look for.
    output_dir : Path
        Root of the derivatives.
    threads : int
        CPUs to use.
    memory_gb : float
        Memory to use (GB).
    """
    maps = (output_dir / path for image in images for _, path in label_maps(output_dir, image.path))
    together = readers(max(map(count_voxels, maps), default=0), threads, memory_gb)
    yield from _failing(
        lambda image: find_correction(output_dir, image.path), images, together, "looking for corrections by hand"
    )


def _failing(
    look: Callable[[SourceImage], CerebbidsError | None], images: Sequence[SourceImage], threads: int, doing: str
) -> Iterator[tuple[SourceImage, CerebbidsError]]:
    """Look at images in threads, under a bar, and give those that something is wrong with."""
    with empty_bar(transient=True) as bar, ThreadPoolExecutor(threads) as pool:
        task = bar.add_task(doing, total=len(images))
        for image, error in zip(images, pool.map(look, images), strict=True):
            bar.update(task, advance=1, refresh=True)
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
    if image.t2w is not None or image.system == INFANT.name:  # which looks at none
        return None
    why = "has no T2w image of its session beside it"
    if image.system in _OF_PAIRS:
        if t2w == "synth":
            why = f"is for the system {image.system}, which needs the T2w image of the session, not one that is made"
            return CerebbidsError(image.relative, why, "leave --t2w synth out, or choose another --system")
        why = f"{why}, which {image.system} needs"
        return CerebbidsError(image.relative, why, "add one, or choose another --system")
    return CerebbidsError(image.relative, why, "add one, or choose --t2w auto") if t2w == "real" else None


def bad_header(image: SourceImage) -> CerebbidsError | None:
    """Why an image cannot be processed, as far as its header tells."""
    return next((error for path in _needed(image) if (error := _error_of(partial(_open, path, image), image))), None)


def _needed(image: SourceImage) -> tuple[Path, ...]:
    """Files without which its system cannot work."""
    return (image.path, image.t2w) if image.t2w and image.system in _OF_PAIRS else (image.path,)


def _open(path: Path, image: SourceImage) -> object:
    return open_image(path, _least_mm(image))


def _check(image: SourceImage, t2w: str) -> CerebbidsError | None:
    looks = (partial(check_image, path, _least_mm(image)) for path in _needed(image))
    return missing_t2w(image, t2w) or next((error for look in looks if (error := _error_of(look, image))), None)


def _least_mm(image: SourceImage) -> float:
    """Field of view that an image has at least."""
    return OF_CUT_OUT_MM if image.system == INFANT.name else FIELD_OF_VIEW_MM[0]


def _error_of(look: Callable[[], object], image: SourceImage) -> CerebbidsError | None:
    try:
        look()
    except CerebbidsError as error:
        return error
    except Exception as error:  # whatever is wrong with one image, or its disk, must not end the others
        return CerebbidsError(image.relative, f"cannot be read ({type(error).__name__}: {error})", "copy it again")
    return None


def choose_device(wanted: str) -> str:
    """Decide once, for all images, where the networks run.

    PyTorch is asked in a process of its own: this one, from which workers are forked, must not touch CUDA. Where no
    driver is, nobody needs to be asked, which is a second less until the first step.

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
    if wanted == "cpu" or (wanted == "auto" and not has_gpu_driver()):
        return "cpu"
    answer = subprocess.run([sys.executable, "-P", "-c", _ASK, wanted], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return answer.stdout.split()[-1]
    error = CerebbidsError.from_line((answer.stderr.strip() or "PyTorch ended without a word").splitlines()[-1])
    raise UsageError(error.subject, error.reason, error.mend)


def check_device(wanted: str) -> None:
    """Refuse a device that the jobs of a scheduler cannot be told to take: which GPU is theirs, it decides.

    Raises
    ------
    UsageError
        One GPU of several was asked for.
    """
    if wanted.startswith("cuda:"):
        raise UsageError("--device", f"names {wanted}, but the scheduler chooses a job's GPU", "write --device cuda")


def has_gpu_driver() -> bool:
    """Whether what PyTorch would reach a GPU through can be loaded: the driver's library, or AMD's device."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Path("/dev/kfd").exists()
    return True
