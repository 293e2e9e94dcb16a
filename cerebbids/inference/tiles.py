"""A network on a box that may be too large for the memory: whole, or piece by piece."""

from __future__ import annotations

import torch

from cerebbids.errors import is_out_of_memory
from cerebbids.inference.device import ask

MULTIPLE = 16
"""Sides of what networks are shown divide by this."""
HALO = 16
"""Voxels that a tile sees beyond its own, on either side."""
AT_ONCE = 2_600_000
"""Voxels that a CPU works on at once; it is no slower so, and takes less memory."""
MOST = 8
"""Tiles of a box before a GPU is given up."""


@torch.inference_mode()
def probabilities_of(net: torch.nn.Module, seen: torch.Tensor) -> torch.Tensor:
    """Class probabilities that a network gives to an input, in as many tiles as the memory makes necessary.

    Parameters
    ----------
    net : Module
        Without statistics of the whole image (batch normalisation, not instance normalisation): a tile's answer then
        depends on what it sees alone.
    seen : Tensor, (channels, X, Y, Z)
        On the network's device; X divides by ``MULTIPLE``.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        On the same device.

    Raises
    ------
    RuntimeError
        ``MOST`` tiles are too few for the memory of a GPU (:func:`cerebbids.errors.is_out_of_memory`).
    """
    voxels = seen[0].numel()
    tiles = -(-voxels // AT_ONCE) if seen.device.type == "cpu" else 1
    while True:
        try:
            return in_tiles(net, seen, tiles)
        except RuntimeError as error:
            if tiles >= MOST or seen.device.type == "cpu" or not is_out_of_memory(error):
                raise
        tiles *= 2  # not in the handler, which would keep what the failed attempt holds
        torch.cuda.empty_cache()


def in_tiles(net: torch.nn.Module, seen: torch.Tensor, tiles: int) -> torch.Tensor:
    """Ask a network about slabs of the first axis, one after the other, each with ``HALO`` more than it answers for."""
    size = seen.shape[1]
    thick = -(-size // (MULTIPLE * tiles)) * MULTIPLE
    answers = []
    for first in range(0, size, thick):
        last = min(first + thick, size)
        low, high = max(0, first - HALO), min(size, last + HALO)
        answers.append(softmax_of(net, seen[:, low:high])[:, first - low : last - low])
    return torch.cat(answers, 1)


def softmax_of(net: torch.nn.Module, seen: torch.Tensor) -> torch.Tensor:
    """Class probabilities (classes, X, Y, Z), float32."""
    batch = seen[None].contiguous(memory_format=torch.channels_last_3d)
    return ask(net, batch)[0].softmax(0)
