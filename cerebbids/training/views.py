"""What each network of the cascade is asked: which labels and shares of the atlas it is shown of the 27 classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cerebbids.training.atlas import N_SIDE

CLASSES = 2 * N_SIDE + 1
"""Background, left and right."""


@dataclass(frozen=True)
class View:
    """A network's view of the channels 0..26.

    Parameters
    ----------
    labels : tuple of int
        Class of each channel.
    mirror : tuple of int
        Class that each class becomes when left and right are swapped.
    masked : bool
        Whether nothing is shown outside of the cerebellum.

    Examples
    --------
    >>> SIDES.classes, LOBULES.classes, SIDES.labels[13:15], LOBULES.labels[13:15]
    (3, 14, (1, 2), (13, 1))
    """

    labels: tuple[int, ...]
    mirror: tuple[int, ...]
    masked: bool

    @property
    def classes(self) -> int:
        """Classes, background among them."""
        return len(self.mirror)

    def seen(self, labels: np.ndarray) -> np.ndarray:
        """Channels (X, Y, Z) as classes, uint8."""
        return np.array(self.labels, np.uint8)[labels]

    def shares(self, atlas: np.ndarray) -> np.ndarray:
        """Atlas (27, X, Y, Z) uint8 as shares of the classes after the background, uint8."""
        members = np.array(self.labels)
        shares = [atlas[members == k].sum(0, dtype=np.uint16) for k in range(1, self.classes)]
        return np.stack(shares).clip(0, 255).astype(np.uint8)


SIDES = View((0, *(1,) * N_SIDE, *(2,) * N_SIDE), (0, 2, 1), masked=False)
"""Left, right, background (net 1 of Morell-Ortega et al. 2025, section 2.2)."""
LOBULES = View((0, *range(1, N_SIDE + 1), *range(1, N_SIDE + 1)), tuple(range(N_SIDE + 1)), masked=True)
"""Twelve lobules, white matter and background (net 2)."""
