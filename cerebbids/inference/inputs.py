"""What a network is shown: the same preparation in training and in use."""

from __future__ import annotations

import numpy as np
import torch

BACKGROUND = 0.1
"""Share of the 98th percentile below which a voxel does not count for the intensity statistics."""


def coordinates(shape: tuple[int, ...]) -> torch.Tensor:
    """Position channels (3, X, Y, Z), -1 to 1 from the first to the last voxel of each axis.

    Examples
    --------
    >>> coordinates((3, 2, 2))[0, :, 0, 0]
    tensor([-1.,  0.,  1.])
    """
    return torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, n) for n in shape], indexing="ij"))


def central_box(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Middle of the crop, where there is brain whether or not the head was stripped."""
    return tuple(slice(n // 4, n - n // 4) for n in shape)


def standardise(t1w: torch.Tensor) -> torch.Tensor:
    """Zero mean, unit standard deviation over the tissue in the middle of the crop; clipped to +-4.

    Parameters
    ----------
    t1w : Tensor, (X, Y, Z)
        Any units, not negative.
    """
    middle = t1w[central_box(t1w.shape)].flatten()
    top = torch.quantile(middle[::5], 0.98)
    tissue = middle[middle > BACKGROUND * top]
    if tissue.numel() < 2:
        return torch.zeros_like(t1w)
    return ((t1w - tissue.mean()) / tissue.std().clamp(min=1e-6)).clamp(-4, 4)


def network_input(t1w: torch.Tensor) -> torch.Tensor:
    """Stack the standardised image on the position channels.

    Parameters
    ----------
    t1w : Tensor, (X, Y, Z)

    Returns
    -------
    Tensor, (4, X, Y, Z), float32
    """
    return torch.cat([standardise(t1w)[None], coordinates(tuple(t1w.shape))])


def standardise_inside(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance inside a mask, 0 outside, float32.

    Examples
    --------
    >>> inside = np.array([True, True, False])
    >>> standardise_inside(np.array([1.0, 3.0, 9.0]), inside).tolist()
    [-1.0, 1.0, 0.0]
    """
    told = image[inside]
    return np.where(inside, (image - told.mean()) / max(told.std(), 1e-6), 0).astype(np.float32)
