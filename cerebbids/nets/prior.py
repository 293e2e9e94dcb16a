"""Shares of an atlas as what a network starts from: its answer says how far the image speaks for something else."""

from __future__ import annotations

from collections.abc import Sequence

import torch

FAINT = 0.01
"""Share that every class has at least: an atlas may be overruled."""


def prior_logits(x: torch.Tensor, channels: Sequence[int]) -> torch.Tensor:
    """Logarithms of the shares of an atlas.

    Parameters
    ----------
    x : Tensor, (N, channels, D, H, W)
        Input of a network, shares of the votes among its channels.
    channels : sequence of int
        Which of them each class after the background has; the background has what is left.

    Returns
    -------
    Tensor, (N, 1 + classes, D, H, W)

    Examples
    --------
    >>> x = torch.tensor([9.0, 0.25, 0.0]).reshape(1, 3, 1, 1, 1)
    >>> prior_logits(x, (1, 2)).exp().flatten()
    tensor([0.7600, 0.2600, 0.0100])
    """
    named = x[:, sorted(set(channels))].sum(1, keepdim=True)
    return torch.cat([(1 - named).clamp(min=0), x[:, list(channels)]], 1).add(FAINT).log()
