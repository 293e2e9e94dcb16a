"""From compartments to labels of 0.5 mm, without fluid, arbor vitae and peduncles."""

from __future__ import annotations

import numpy as np

from cerebbids.bids.names import CARVED
from cerebbids.errors import BadImage
from cerebbids.imaging.carving import carve
from cerebbids.imaging.t2contrast import render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.answer import Answer, most_likely
from cerebbids.inference.imageside import ImageSide
from cerebbids.inference.segment import labels_on_grid
from cerebbids.systems.grid import Grid

LEAST = 0.5
"""Share of the compartments that is tissue; 0.7 to 0.9 in the heads and brains looked at."""


def tissue_labels(answer: Answer, side: ImageSide, fine: Grid) -> np.ndarray:
    """Bring compartments onto the fine box and carve them there.

    Parameters
    ----------
    answer : Answer
        The compartments.
    side : ImageSide
        T1w and T2w contrast on the fine box.
    fine : Grid
        The fine box, in the same space.

    Returns
    -------
    ndarray of ``fine.shape``, uint8
        Channels: 0 background, 1-12 left lobules, 13 left white matter, 14-26 the right side.
    """
    channels = tuple(range(1, len(answer.probabilities)))
    compartments = labels_on_grid(answer.probabilities, answer.grid, fine.shape, fine.affine, np.eye(4), channels)
    # Where the T2w shows nothing (outside of its field of view, say), the T1w speaks alone.
    t2w = np.where(side.t2w > 0, side.t2w, render_t2w(side.t1w, TARGETS))
    return carve(compartments, side.t1w, t2w, fine.spacing)


def check_tissue(carved: np.ndarray, fine: Grid, answer: Answer, name: str) -> tuple[str, ...]:
    """Warn where little of the compartments is tissue.

    Parameters
    ----------
    carved : ndarray
        Channels on the grid ``fine``.
    fine : Grid
    answer : Answer
        The compartments.
    name : str
        What to call the image.

    Raises
    ------
    BadImage
        Nothing is.
    """
    compartments = np.count_nonzero(most_likely(answer.probabilities).numpy()) * answer.grid.spacing**3
    share = np.count_nonzero(carved) * fine.spacing**3 / compartments
    if not share:
        raise BadImage(name, "shows no brain tissue where the cerebellum was found", "look at its contrast")
    if share < LEAST:
        return (f"Only {share:.0%} of the cerebellum is as bright as brain tissue: look at seg-{CARVED}.",)
    return ()
