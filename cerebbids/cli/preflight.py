"""What can be known about the run before it starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from shutil import which

from cerebbids.bids.query import SourceImage
from cerebbids.errors import BadImage, CerebbidsError, UsageError
from cerebbids.imaging.conform import check_image
from cerebbids.imaging.reading import READING_BYTES, count_voxels


def refused_images(
    images: Sequence[SourceImage], threads: int, memory_gb: float
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
    """
    largest = max((count_voxels(image.path) for image in images), default=0)
    with ThreadPoolExecutor(readers(largest, threads, memory_gb)) as pool:
        for image, error in zip(images, pool.map(_check, images), strict=True):
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


def _check(image: SourceImage) -> CerebbidsError | None:
    try:
        check_image(image.path)
    except CerebbidsError as error:
        return error
    except Exception as error:  # whatever is wrong with one image must not end the others
        return BadImage(image.relative, f"cannot be read ({type(error).__name__}: {error})", "copy it again")
    return None


def will_use_gpu(device: str) -> bool:
    """Whether the networks will run on a GPU.

    PyTorch is asked in a process of its own: this one, from which workers are forked, must not touch CUDA.

    Raises
    ------
    UsageError
        A GPU was asked for by name and is not there.
    """
    if device == "cpu" or (device == "auto" and not which("nvidia-smi")):
        return False
    code = "import torch; print(torch.cuda.device_count())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    count = int(answer.stdout) if answer.returncode == 0 else 0
    wanted = int(device.partition(":")[2] or 0) + 1
    if device != "auto" and count < wanted:
        mend = "start the container with --nv or --gpus all, or choose --device cpu"
        raise UsageError(f"--device {device}", f"PyTorch sees {count} GPU(s)", mend)
    return count > 0
