"""What a method has found: the probability of every label on a box of the working space."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage

from cerebbids.errors import SegmentationFailed
from cerebbids.systems.grid import Grid

PLAUSIBLE_CM3 = (20.0, 400.0)
"""Cerebellum volume in template space beyond which the answer is refused."""
MEND = "look at the image's field of view, contrast and quality"
"""What to do about an image whose answer is refused."""
MAIN = 0.1
"""Size of a label's pieces that stay, in parts of its largest."""


@dataclass(frozen=True)
class Answer:
    """Lobules in the working space.

    Parameters
    ----------
    probabilities : Tensor, (27, X, Y, Z)
        Background, 13 labels of the left side, 13 of the right; on the CPU, of any floating type.
    grid : Grid
    vermis : Tensor, (X, Y, Z), optional
        Probability that there is vermis, if there is cerebellum; where networks tell it.
    between_nets : float, optional
        Mean Dice of the labels of the cascade's networks, each asked alone.
    with_quick : float, optional
        Mean Dice of the labels of the cascade and of the network at 1 mm.
    with_atlas : float, optional
        Mean Dice of the labels and those most voted for in the atlas that the networks have seen.
    atlas : Answer, optional
        Shares of the votes of a library, where one was asked, before anything was made of them.
    warnings : tuple of str
    """

    probabilities: torch.Tensor
    grid: Grid
    vermis: torch.Tensor | None = None
    between_nets: float | None = None
    with_quick: float | None = None
    with_atlas: float | None = None
    atlas: Answer | None = None
    warnings: tuple[str, ...] = ()

    @property
    def agreements(self) -> dict[str, float | None]:
        """Every agreement under its name."""
        return {name: getattr(self, name) for name in ("between_nets", "with_quick", "with_atlas")}


def one_cerebellum(answer: Answer, name: str) -> Answer:
    """Clean an answer (:func:`keep_largest`, :func:`keep_main_pieces`), and refuse what cannot be a cerebellum.

    Raises
    ------
    SegmentationFailed
        As :func:`check_plausible`.
    """
    probabilities = keep_main_pieces(keep_largest(answer.probabilities))
    check_plausible(probabilities, answer.grid, name)
    return replace(answer, probabilities=probabilities)


def most_likely(probabilities: torch.Tensor) -> torch.Tensor:
    """Most probable class (...) of each voxel, int64, of (classes, ...); the first of those that are equally so.

    Examples
    --------
    >>> most_likely(torch.tensor([[0.2, 0.5], [0.8, 0.5]])).tolist()
    [1, 0]
    """
    return probabilities.max(0).indices  # along the first axis ``argmax`` takes three times as long on a CPU


def keep_largest(probabilities: torch.Tensor) -> torch.Tensor:
    """Set everything that does not touch the largest cerebellum to background (probabilities stay a partition)."""
    components, count = ndimage.label((probabilities[0] < 0.5).numpy())
    if count < 2:
        return probabilities
    largest = np.bincount(components.ravel())[1:].argmax() + 1
    stray = torch.from_numpy((components > 0) & (components != largest))
    cleaned = probabilities.clone()
    cleaned[:, stray] = 0
    cleaned[0, stray] = 1
    return cleaned


def keep_main_pieces(probabilities: torch.Tensor) -> torch.Tensor:
    """Give the small pieces of labels, and holes, to the label that is second there (probabilities stay a partition).

    The rule: of each label its largest piece stays (voxels that share a face), and every other that has ``MAIN`` of
    its size or more; of the background only what reaches the faces of the box. A piece that goes names its voxels once
    more without this label; what comes of it is not looked at again.

    Parameters
    ----------
    probabilities : Tensor, (classes, X, Y, Z)
    """
    labels = most_likely(probabilities).numpy()
    cleaned = probabilities.clone()
    for label, box in enumerate(ndimage.find_objects(labels.astype(np.uint8)), 1):
        if box is not None:
            _take(cleaned[(label, *box)], small_pieces(labels[box] == label))
    _take(cleaned[0], holes(labels == 0))
    if (lost := probabilities.sum(0) - cleaned.sum(0)).any():
        changed = lost > 0
        left = cleaned[:, changed].sum(0)
        cleaned[:, changed] /= left.clamp(min=1e-6)
        cleaned[0, changed] += (left == 0).to(cleaned.dtype)  # nothing but the label that went was possible
    return cleaned


def _take(channel: torch.Tensor, where: np.ndarray) -> None:
    channel[torch.from_numpy(where)] = 0


def small_pieces(mask: np.ndarray) -> np.ndarray:
    """Pieces of a mask that are smaller than ``MAIN`` of its largest.

    Examples
    --------
    >>> row = np.repeat([1, 0, 1, 0, 1], [20, 1, 1, 1, 2]).astype(bool)
    >>> np.nonzero(small_pieces(row))[0].tolist()
    [21]
    """
    pieces, count = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    small = sizes < MAIN * sizes[1:].max(initial=0)
    small[0] = False
    return small[pieces]


def holes(mask: np.ndarray) -> np.ndarray:
    """Pieces of a mask that do not reach the faces of the box."""
    pieces, count = ndimage.label(mask)
    outer = np.zeros(count + 1, bool)
    for axis in range(mask.ndim):
        for end in (0, -1):
            outer[pieces.take(end, axis)] = True
    outer[0] = True
    return ~outer[pieces]


def check_plausible(probabilities: torch.Tensor, grid: Grid, name: str) -> None:
    """Refuse an answer that cannot be a cerebellum.

    Raises
    ------
    SegmentationFailed
        The volume in template space is out of bounds, or one hemisphere is hardly there.
    """
    labels = most_likely(probabilities)
    half = (probabilities.shape[0] - 1) // 2
    left = float(((labels > 0) & (labels <= half)).sum()) * grid.spacing**3 / 1000
    right = float((labels > half).sum()) * grid.spacing**3 / 1000
    low, high = PLAUSIBLE_CM3
    if not low <= left + right <= high or min(left, right) < 0.2 * max(left, right):
        raise SegmentationFailed(
            name,
            f"the cerebellum found is implausible (left {left:.0f}, right {right:.0f} cm3 in template space)",
            MEND,
        )


def confidence(probabilities: torch.Tensor) -> list[float]:
    """Mean probability of each label (background left out) over the voxels that got it; 0 for an absent label."""
    labels = most_likely(probabilities)
    return [
        float(channel[labels == k].float().mean()) if bool((labels == k).any()) else 0.0
        for k, channel in enumerate(probabilities[1:], 1)
    ]
