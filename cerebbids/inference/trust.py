"""How far a network's labels of tissues are to be trusted, as a second network judges that has seen them alone."""

from __future__ import annotations

import torch

OUTSIDE, WRONG, RIGHT = range(3)
"""Classes of the second network: nothing to label, a wrong label, a right one."""


def shown(probabilities: torch.Tensor) -> torch.Tensor:
    """What the second network sees of an answer, never the image (Sun et al. 2020, section 3.1).

    Parameters
    ----------
    probabilities : Tensor, (classes, X, Y, Z), float32
        Background first.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        The most likely class, 0 to 1 in equal steps, and the probabilities of all but the background.

    Examples
    --------
    >>> shown(torch.tensor([0.1, 0.2, 0.6, 0.1]).reshape(4, 1, 1, 1)).ravel().tolist()[:2]
    [0.6666666865348816, 0.20000000298023224]
    """
    hard = probabilities.argmax(0, keepdim=True).float() / (len(probabilities) - 1)
    return torch.cat((hard, probabilities[1:]))


def confidence(judgement: torch.Tensor) -> torch.Tensor:
    """Probability (X, Y, Z) that a label is right, if there is anything to label, of the network's (3, X, Y, Z)."""
    return judgement[RIGHT] / (judgement[RIGHT] + judgement[WRONG]).clamp(min=1e-6)
