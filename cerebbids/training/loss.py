"""Soft Dice plus cross-entropy, a slab of voxels at a time, with the gradient in closed form.

The value and the gradient are those of ``monai.losses.DiceCELoss`` (see the test), without the one-hot copies and the
graph of 27 float channels a voxel, which on a CPU take as long as the network's forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

SMOOTH = 1e-5
"""Added to numerator and denominator of every Dice of a whole cerebellum, as MONAI does."""
SLAB = {"cpu": 1 << 14, "cuda": 1 << 22}
"""Voxels at a time: on a CPU what stays in its cache."""


def _slabs(logits: torch.Tensor, target: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Softmax (n, classes) float32, its value at the target (n, 1), and the target (n, 1), slab by slab."""
    size = SLAB[logits.device.type]
    for part, labels in zip(logits.split(size), target.split(size), strict=True):
        p = part.float().softmax(1)
        yield p, p.gather(1, labels), labels


class _DiceCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        context, logits: torch.Tensor, labels: torch.Tensor, weight: float, smooth: float
    ) -> torch.Tensor:  # fmt: skip
        last = logits.movedim(1, -1)
        flat, target = last.reshape(-1, logits.shape[1]), labels.reshape(-1, 1)
        overlap, size = (flat.new_zeros(flat.shape[1], dtype=torch.float32) for _ in range(2))
        surprise = overlap.new_zeros(())
        for p, hit, here in _slabs(flat, target):
            overlap.scatter_add_(0, here[:, 0], hit[:, 0])
            size += p.sum(0)
            surprise -= hit.clamp(min=1e-12).log().sum()
        size += torch.bincount(target[:, 0], minlength=len(size))
        context.save_for_backward(flat, target, overlap, size)
        context.shape, context.weight, context.smooth = last.shape, weight, smooth
        dice = (2 * overlap + smooth) / (size + smooth)
        return (1 - dice).mean() + weight * surprise / len(target)

    @staticmethod
    def backward(context, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        flat, target, overlap, size = context.saved_tensors
        voxels, classes = flat.shape
        per_voxel = context.weight / voxels
        # d(1 - Dice_k) / dp: `everywhere` for any voxel, `where_true` more where the label is k.
        smooth = context.smooth
        everywhere = (2 * overlap + smooth) / (size + smooth) ** 2 / classes
        where_true = -2 / (size + smooth) / classes
        gradient = torch.empty_like(flat)
        for (p, hit, here), out in zip(_slabs(flat, target), gradient.split(SLAB[flat.device.type]), strict=True):
            on_target = where_true[here]
            mean = (p @ everywhere)[:, None] + hit * on_target
            slope = p * (everywhere + per_voxel - mean)
            slope.scatter_add_(1, here, hit * on_target - per_voxel)
            out.copy_(slope * upstream)
        return gradient.reshape(context.shape).movedim(-1, 1), None, None, None


def dice_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weight: float = 1.0, smooth: float = SMOOTH
) -> torch.Tensor:
    """Mean over classes (background too) of 1 - soft Dice, plus ``weight`` times mean cross-entropy.

    Parameters
    ----------
    logits : Tensor, (N, classes, D, H, W)
        Any floating type; computed in float32.
    labels : Tensor, (N, 1, D, H, W), int64
        Classes.
    weight : float
        Of the cross-entropy.
    smooth : float
        Added to numerator and denominator of every Dice, voxels: a class of far fewer in a patch counts for little.

    Returns
    -------
    Tensor
        A number; the sums of the Dice run over the whole batch.
    """
    return _DiceCrossEntropy.apply(logits, labels, weight, smooth)


def log_dice_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weight: float = 1.0, smooth: float = SMOOTH
) -> torch.Tensor:
    """Logarithm of half of :func:`dice_cross_entropy` (Morell-Ortega et al. 2025, equation 1).

    The text takes the logarithm of (1 - sum of Dice + BCE) / 2, which is not defined where the Dice of more than one
    class are near 1. Here the Dice are averaged over the classes, the background among them, and the binary
    cross-entropy is that of the softmax, averaged over the voxels: neither is below 0.

    Examples
    --------
    >>> logits, labels = torch.zeros(1, 2, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2, dtype=torch.int64)
    >>> plain = dice_cross_entropy(logits, labels)
    >>> bool(torch.isclose(log_dice_cross_entropy(logits, labels), (plain / 2).log()))
    True
    """
    return (dice_cross_entropy(logits, labels, weight, smooth) / 2).log()


def charbonnier(answer: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Smooth absolute difference, ``sqrt(d^2 + 0.01^2)`` (Charbonnier et al. 1994), on average.

    Parameters
    ----------
    answer : Tensor, (N, 1, D, H, W)
        Any floating type; computed in float32.
    target : Tensor, (N, 1 or 2, D, H, W)
        Values, and how much each voxel counts where there is a second channel.

    Examples
    --------
    >>> target = torch.tensor([3.0, 1.0]).reshape(1, 2, 1, 1, 1)
    >>> round(float(charbonnier(torch.zeros(1, 1, 1, 1, 1), target)), 4)
    3.0
    """
    difference = torch.sqrt((answer.float() - target[:, :1]) ** 2 + 1e-4)
    return (difference * target[:, 1:]).sum() / target[:, 1:].sum() if target.shape[1] == 2 else difference.mean()


def weighted_cross_entropy(answer: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in which every voxel counts as its label is to be trusted (Sun et al. 2020, section 3.2).

    Parameters
    ----------
    answer : Tensor, (N, classes, D, H, W)
        Any floating type; computed in float32.
    target : Tensor, (N, 2, D, H, W), float32
        Labels, and weights of 0 to 1.

    Returns
    -------
    Tensor
        A number: the mean over all voxels of weight times cross-entropy.

    Examples
    --------
    >>> target = torch.stack((torch.zeros(1, 2, 1, 1), torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)), 1)
    >>> round(float(weighted_cross_entropy(torch.zeros(1, 2, 2, 1, 1), target)), 4)
    0.3466
    """
    labels, weights = target[:, 0].long(), target[:, 1]
    return (weights * torch.nn.functional.cross_entropy(answer.float(), labels, reduction="none")).mean()
