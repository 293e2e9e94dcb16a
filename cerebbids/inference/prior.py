"""A subject's own atlas: library members most like it, warped onto it, and voting by how like it they look.

Morell-Ortega et al. 2025, section 2.3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import Library
from cerebbids.inference.registration import half_displacements
from cerebbids.nets.displacement import doubled, warp
from cerebbids.systems.deepceres import VOTERS

SHARPNESS = 0.5
"""How much a difference of brightness takes from a member's weight, ``d`` of equation 2."""
TOGETHER = {"cpu": 1, "cuda": 8}
"""Members that are registered at a time."""


def most_similar(image: torch.Tensor, members: torch.Tensor, number: int) -> list[int]:
    """Places of the members with the smallest mean absolute difference, nearest first.

    Parameters
    ----------
    image : Tensor, (X, Y, Z)
    members : Tensor, (M, X, Y, Z)
        On its grid, in its units; any floating type.
    number : int
        How many are wanted; fewer where there are fewer.

    Examples
    --------
    >>> most_similar(torch.zeros(2, 2, 2), torch.tensor([3.0, 1, 2]).reshape(3, 1, 1, 1).expand(3, 2, 2, 2), 2)
    [1, 2]
    """
    distances = torch.stack([(image - member.float()).abs().mean() for member in members])
    return distances.argsort()[:number].tolist()


def add_votes(votes: torch.Tensor, image: torch.Tensor, members: torch.Tensor, labels: torch.Tensor) -> None:
    """Let warped members vote on every voxel, each with weight ``1 / (1 + d |I - L|)`` (equation 2).

    Parameters
    ----------
    votes : Tensor, (classes, X, Y, Z), float32
        Is added to.
    image : Tensor, (X, Y, Z)
        Standardised brightness.
    members, labels : Tensor, (M, X, Y, Z)
        Their brightness in the units of ``image``, and their labels (int64).

    Examples
    --------
    >>> votes, members = torch.zeros(2, 1, 1, 1), torch.tensor([0.0, 2]).reshape(2, 1, 1, 1)
    >>> add_votes(votes, torch.zeros(1, 1, 1), members, torch.ones(2, 1, 1, 1).long())
    >>> votes.flatten()
    tensor([0.0000, 1.5000])
    """
    for member, named in zip(members, labels, strict=True):
        weight = 1 / (1 + SHARPNESS * (image - member).abs())
        votes.scatter_add_(0, named[None], weight[None])


@torch.no_grad()
def warped_members(
    net: torch.nn.Module, library: Library, image: torch.Tensor, chosen: list[int]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Pull members onto an image (X, Y, Z), some at a time: their images and labels (n, X, Y, Z) on its device."""
    together = TOGETHER[image.device.type]
    for start in range(0, len(chosen), together):
        some = chosen[start : start + together]
        moving, named = (volumes[some][:, None].to(image) for volumes in (library.images, library.labels))
        displacement = doubled(half_displacements(net, image, moving, named))
        yield warp(moving, displacement)[:, 0], warp(named, displacement, "nearest")[:, 0].long()


@torch.no_grad()
def subject_atlas(
    net: torch.nn.Module, library: Library, t1w: np.ndarray, device: torch.device, number: int = VOTERS
) -> torch.Tensor:
    """Make the atlas of one subject.

    Parameters
    ----------
    net : Module
        :class:`cerebbids.nets.deform.DeformNet` on ``device``.
    library : Library
    t1w : ndarray, (X, Y, Z)
        Clean T1w on the library's grid, any units.
    device : torch.device
    number : int
        Members that vote.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32, on the CPU
        Share of the votes that each label got; sums to 1.
    """
    image = standardise(torch.from_numpy(np.ascontiguousarray(t1w, np.float32)))
    chosen = most_similar(image, library.images, number)
    image = image.to(device)
    votes = torch.zeros(library.classes, *image.shape, device=device)
    for members, labels in warped_members(net, library, image, chosen):
        add_votes(votes, image, members, labels)
    return (votes / votes.sum(0)).cpu()
