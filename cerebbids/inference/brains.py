"""Whole brains: networks asked patch by patch, where patches overlap their answers averaged."""

from __future__ import annotations

import numpy as np
import torch

from cerebbids.inference.context import distance_maps, without_bits
from cerebbids.inference.windows import in_cubes


def isointense_probabilities(
    net: torch.nn.Module, images: torch.Tensor, side: int, context: torch.Tensor | None = None
) -> torch.Tensor:
    """Tissues of a cerebrum, as one network of the isointense system sees them (Zeng & Zheng 2018).

    Every channel of an image is standardised in every patch by itself, as in training; distances are not.

    Parameters
    ----------
    net : Module
        In evaluation mode.
    images : Tensor, (modalities, X, Y, Z)
        On the network's device.
    side : int
        Of a patch, voxels; patches lie half of it apart.
    context : Tensor, (tissues, X, Y, Z), optional
        Distances to the tissues, for a network that wants them.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        Probabilities on the voxels of the images: background, fluid, grey and white matter.
    """
    seen = images if context is None else torch.cat((images, context))

    def asked(batch: torch.Tensor) -> torch.Tensor:
        return net(torch.cat((standardised(batch[:, : len(images)]), batch[:, len(images) :]), 1))

    return in_cubes(asked, seen, side, side // 2)[0]


def standardised(batch: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit variance of every channel of every patch (N, channels, D, H, W).

    Examples
    --------
    >>> standardised(torch.tensor([1.0, 3.0]).reshape(1, 1, 2, 1, 1)).flatten().tolist()
    [-1.0, 1.0]
    """
    spread, mean = torch.std_mean(batch, (2, 3, 4), correction=0, keepdim=True)
    return (batch - mean) / spread.clamp(min=1e-6)


def label_isointense(
    nets: tuple[torch.nn.Module, ...], images: torch.Tensor, side: int, spacing: tuple[float, float, float]
) -> tuple[np.ndarray, torch.Tensor]:
    """Tissues of a cerebrum: from images, and from images and the distances to what the network before has found.

    After Zeng & Zheng 2018: two networks, of which the second sees distance maps of the first one's tissues.

    Parameters
    ----------
    nets : tuple of Module
        In evaluation mode. The first sees images alone; each that follows sees the answer of the one before, too.
    images : Tensor, (modalities, X, Y, Z)
        On the networks' device.
    side : int
        Of a patch, voxels.
    spacing : tuple of float
        Edges of a voxel, mm.

    Returns
    -------
    labels : ndarray, (X, Y, Z), uint8
        0 background, 1 fluid, 2 grey and 3 white matter; without isolated bits. On the voxels of the images.
    probabilities : Tensor, (4, X, Y, Z), float32
        Of the last network, before bits are taken out.
    """
    context = None
    for net in nets:
        probabilities = isointense_probabilities(net, images, side, context)
        labels = probabilities.argmax(0).to(torch.uint8).cpu().numpy()
        context = torch.from_numpy(distance_maps(labels, len(probabilities), spacing)).to(images)
    return without_bits(labels, spacing), probabilities


def label_neonate(net: torch.nn.Module, images: torch.Tensor, side: int) -> tuple[torch.Tensor, float | None]:
    """Tissues of a neonate's brain, and the age if the network tells it (Richter & Fetit 2022, AgeU-Net).

    Parameters
    ----------
    net : Module
        In evaluation mode.
    images : Tensor, (modalities, X, Y, Z)
        Standardised as a whole; on the network's device.
    side : int
        Of a patch, voxels; patches lie half of it apart.

    Returns
    -------
    probabilities : Tensor, (classes, X, Y, Z), float32
        On the voxels of the images.
    age : float or None
        Mean over the patches of what the network tells, weighed by how much of the brain is in them; in the unit in
        which it was trained.
    """
    told: list[tuple[float, float]] = []

    def asked(batch: torch.Tensor) -> torch.Tensor:
        answer = net(batch)
        if isinstance(answer, torch.Tensor):
            return answer
        labels, ages = answer
        if labels.float().sum().isfinite() and ages.sum().isfinite():  # what is no number does not count
            shares = (batch[:, 0] != 0).float().mean((1, 2, 3))
            told.extend(zip(ages.float().tolist(), shares.tolist(), strict=True))
        return labels

    probabilities = in_cubes(asked, images, side, side // 2)[0]
    total = sum(share for _, share in told)
    return probabilities, sum(age * share for age, share in told) / total if total else None
