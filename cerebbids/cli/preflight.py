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

_AT_A_TIME = 8  # an image takes some hundred megabytes while it is looked at


def refused_images(images: Sequence[SourceImage], threads: int) -> Iterator[tuple[SourceImage, CerebbidsError]]:
    """Read every image, and give those that cannot be processed, with the reason.

    Parameters
    ----------
    images : sequence of SourceImage
        Images to look at.
    threads : int
        CPUs to use.
    """
    with ThreadPoolExecutor(min(threads, _AT_A_TIME)) as pool:
        for image, error in zip(images, pool.map(_check, images), strict=True):
            if error:
                yield image, error


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
