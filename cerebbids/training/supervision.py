"""Losses of networks that answer at several resolutions, or whose labels are known for a part of a patch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

UNLABELLED = 255
"""Label of a voxel that nobody has labelled."""

Labelled = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Loss of logits (N, classes, D, H, W) and labels (N, 1, D, H, W)."""


def coarser(labels: torch.Tensor, factor: int, classes: int) -> torch.Tensor:
    """Most frequent label of every cube of voxels; the lowest of those that are equally frequent.

    Every ``factor``-th voxel would do for the sizes, but would lie beside the middle of what the coarse voxel covers.

    Parameters
    ----------
    labels : Tensor, (N, 1, D, H, W), int64
        Sides are multiples of ``factor``. Of cubes with ``UNLABELLED`` in them, the known voxels count.
    factor : int
    classes : int

    Returns
    -------
    Tensor, (N, 1, D / factor, H / factor, W / factor), int64
        ``UNLABELLED`` where no voxel is known.

    Examples
    --------
    >>> labels = torch.tensor([0, 2, 2, 1]).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 2, 2)
    >>> coarser(labels, 2, 3).flatten().tolist()
    [0, 1]
    """
    if factor == 1:
        return labels
    shares = torch.stack([F.avg_pool3d((labels[:, 0] == k).float(), factor) for k in range(classes)], 1)
    most, label = shares.max(1, keepdim=True)
    return torch.where(most > 0, label, UNLABELLED)


def deeply_supervised(loss: Labelled, weights: Sequence[float]) -> Callable[..., torch.Tensor]:
    """Sum of a loss at full, half, quarter ... resolution (Lee et al. 2015), each with its weight.

    Parameters
    ----------
    loss : callable
    weights : sequence of float
        1.0, 0.67 and 0.33 in the text of the isointense system.

    Returns
    -------
    callable
        Of answers (a tuple of logits, the finest first) and labels (N, 1, D, H, W) at full resolution.
    """

    def total(answers: tuple[torch.Tensor, ...], labels: torch.Tensor) -> torch.Tensor:
        each = (
            weight * loss(answer, coarser(labels, 2**scale, answer.shape[1]))
            for scale, (weight, answer) in enumerate(zip(weights, answers, strict=True))
        )
        return torch.stack([*each]).sum()

    return total


def where_known(loss: Labelled) -> Labelled:
    """A loss over the voxels that are labelled, as if there were no others; 0 where none is.

    Parameters
    ----------
    loss : callable
        Goes by voxels one by one, or by sums over them: not by their neighbours.
    """

    def total(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        known = labels[:, 0] != UNLABELLED
        if not known.any():
            return 0 * logits.float().sum()
        some = logits.movedim(1, -1)[known]
        return loss(some[..., None, None, None], labels[:, 0][known].reshape(-1, 1, 1, 1, 1))

    return total


def with_age(loss: Callable[..., torch.Tensor], alpha: float) -> Callable[..., torch.Tensor]:
    """Loss of labels, plus ``alpha`` times the squared error of the age (Richter & Fetit 2022, equation 4).

    Parameters
    ----------
    loss : callable
        Of what the network says of labels, and of labels (N, 1, D, H, W) int64.
    alpha : float
        10e-3 in the text. The network tells ages standardised, as the targets are: else squared weeks, hundreds at
        first, outweigh all labels, and the learning rate has to be so low that the network finds the mean age alone.

    Returns
    -------
    callable
        Of (labels, ages (N,)) as the network answers, and of a target (N, 2, D, H, W): labels, and in every voxel the
        age.
    """

    def total(answer: tuple[object, torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        told, ages = answer
        return loss(told, target[:, :1].long()) + alpha * F.mse_loss(ages.float(), target[:, 1, 0, 0, 0].float())

    return total


def labels_alone(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Loss of labels of the same targets, whose age nobody is asked for."""
    return lambda answer, target: loss(answer, target[:, :1].long())
