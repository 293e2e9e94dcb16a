"""What each network of the cascade is asked: which labels and shares of the guess it is shown of the 27 classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cerebbids.imaging.carving import N_SIDE
from cerebbids.inference.cascade import SIDES_MIRROR

CLASSES = 2 * N_SIDE + 1
"""Background, left and right."""


@dataclass(frozen=True)
class View:
    """A network's view of the channels 0..26.

    Parameters
    ----------
    labels : tuple of int
        Class of each channel, and what share of the guess it is shown of it.
    vermis : tuple of int
        Class of each channel in the vermis.
    mirror : tuple of int
        Class that each class becomes when left and right are swapped.
    masked : bool
        Whether nothing is shown outside of the cerebellum.
    midplane : bool
        Whether it is told how far from the midplane it looks.

    Examples
    --------
    >>> SIDE_VIEW.classes, LOBULE_VIEW.classes, SIDE_VIEW.labels[13:15], LOBULE_VIEW.labels[13:15]
    (5, 14, (1, 2), (13, 1))
    """

    labels: tuple[int, ...]
    vermis: tuple[int, ...]
    mirror: tuple[int, ...]
    masked: bool
    midplane: bool

    @property
    def classes(self) -> int:
        """Classes, background among them."""
        return len(self.mirror)

    @property
    def mirrored_shares(self) -> tuple[int, ...]:
        """Place of each share of the guess that it has in the mirror image."""
        return tuple(class_ - 1 for class_ in self.mirror[1 : max(self.labels) + 1])

    def seen(self, labels: np.ndarray, vermis: np.ndarray) -> np.ndarray:
        """Channels (X, Y, Z), and where there is vermis (bool), as classes, uint8."""
        return np.where(vermis, np.array(self.vermis, np.uint8)[labels], np.array(self.labels, np.uint8)[labels])

    def shares(self, guess: np.ndarray) -> np.ndarray:
        """Guess (27, X, Y, Z) uint8 as shares of the classes of ``labels`` after the background, uint8."""
        members = np.array(self.labels)
        shares = [guess[members == k].sum(0, dtype=np.uint16) for k in range(1, max(self.labels) + 1)]
        return np.stack(shares).clip(0, 255).astype(np.uint8)


def of_sides(left: int, right: int) -> tuple[int, ...]:
    """Class of each channel where the sides are told apart and nothing else is."""
    return (0, *(left,) * N_SIDE, *(right,) * N_SIDE)


SIDE_VIEW = View(of_sides(1, 2), of_sides(3, 4), SIDES_MIRROR, masked=False, midplane=True)
"""Background, left and right hemisphere, left and right half of the vermis.

Net 1 of Morell-Ortega et al. 2025 (section 2.2) with the vermis beside: the two halves of a side together are its side.
"""
_LOBULE = (0, *range(1, N_SIDE + 1), *range(1, N_SIDE + 1))
LOBULE_VIEW = View(_LOBULE, _LOBULE, tuple(range(N_SIDE + 1)), masked=True, midplane=False)
"""Twelve lobules, white matter and background (net 2)."""
