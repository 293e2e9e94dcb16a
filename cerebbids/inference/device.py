"""Which processor a network runs on."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from cerebbids.errors import UsageError


def find_device(wanted: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device that is there.

    Parameters
    ----------
    wanted : str
        ``auto`` takes the first GPU if there is one, else the CPU. N counts the visible GPUs.

    Raises
    ------
    UsageError
        A GPU was asked for by name and is not there, or it is another name.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cpu":
        return torch.device("cpu")
    named = re.fullmatch(r"cuda(?::(\d+))?", wanted)
    if not named:
        raise UsageError(f"--device {wanted}", "is not known", "use auto, cpu, cuda or cuda:N")
    number = int(named[1] or 0)
    if not torch.cuda.is_available() or number >= torch.cuda.device_count():
        raise UsageError(
            f"--device {wanted}",
            f"torch sees {torch.cuda.device_count()} GPU(s)",
            "give the container its GPU (--gpus all, --nv) or use --device cpu",
        )
    return torch.device("cuda", number)


@torch.no_grad()
def ask(net: Callable[[torch.Tensor], torch.Tensor], seen: torch.Tensor) -> torch.Tensor:
    """Answer of a trained network, float32: in half precision where that is quick and good enough, else in float32.

    Some GPUs (GTX 16xx) give NaN for float16 convolutions, and a number too large for float16 is infinite there.

    Parameters
    ----------
    net : callable
        A network, or what takes one answer out of its several.
    seen : Tensor
        On the network's device.

    Raises
    ------
    ArithmeticError
        What the network answers is no number even in float32.

    Examples
    --------
    >>> ask(lambda seen: 2 * seen, torch.ones(1))
    tensor([2.])
    """
    for asked in (answering(seen.device), torch.autocast(seen.device.type, enabled=False)):
        with asked:
            answer = net(seen).float()
        if answer.sum().isfinite():  # one number is enough to tell: what is none adds up to none
            return answer
    raise ArithmeticError("what a network answers is no number")


def answering(device: torch.device) -> torch.autocast:
    """What trained networks are asked under: half precision where it is quick, else float32.

    On GPUs from Volta on that is float16, which rounds an eighth as much as bfloat16 does. On CPUs with AMX it is
    bfloat16, as float16 is no quicker than float32 on most.
    """
    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16, enabled=torch.cuda.get_device_capability(device) >= (7, 0))
    return torch.autocast(device.type, torch.bfloat16, enabled=is_fast_in_bf16(device))


def is_fast_in_bf16(device: torch.device) -> bool:
    """Whether bfloat16 convolutions are quicker than float32 ones here: on CPUs with AMX, on GPUs from Ampere on.

    With the bfloat16 instructions of AVX-512 alone they take up to half as long again as float32 ones.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):  # PyTorch asks the current one
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported()
