"""From a network's answer and the truth to what a second network learns: where the answer can be trusted.

Sun et al. 2020, section 3.1. The second network sees the labels that the first has given and its probabilities, never
the image, and tells for every voxel whether the label is right.
"""

from __future__ import annotations

import numpy as np
import torch

from cerebbids.inference.trust import OUTSIDE, RIGHT, WRONG, shown
from cerebbids.training.infants import Infant

OUTSIDE_WEIGHT = 0.5
"""How much a voxel counts where nothing is to be told; the released network's description has this."""


def error_map(answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where an answer (X, Y, Z) is right and where wrong, uint8, as the network's classes.

    Examples
    --------
    >>> error_map(np.array([0, 1, 2, 0]), np.array([0, 1, 3, 2])).tolist()
    [0, 2, 1, 1]
    """
    told = np.where(answer == truth, RIGHT, WRONG).astype(np.uint8)
    told[(answer == 0) & (truth == 0)] = OUTSIDE
    return told


def judged(infant: Infant, probabilities: torch.Tensor) -> Infant:
    """A labelled infant's answer as a case to learn judgement from.

    Raises
    ------
    ValueError
        The infant has no labels.
    """
    if infant.labels is None:
        raise ValueError(f"{infant.id} has no labels to judge an answer by")
    labels = error_map(probabilities.argmax(0).numpy(), infant.labels)
    weights = np.where(labels == OUTSIDE, OUTSIDE_WEIGHT, 1).astype(np.float32)
    return Infant(infant.id, infant.person, shown(probabilities).numpy(), labels, weights)
