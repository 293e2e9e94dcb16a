"""First weights taken over from another network, in part (Zeng & Zheng 2018, section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

T1W_PATH = {part: part for part in ("streams.0.", "rises.", "decoder.", "heads.")}
"""Of a network of T1w alone into one of several modalities: encoder, decoder and heads, all but where streams meet."""


def encoder(levels: int, into: int = 1) -> dict[str, str]:
    """The finest levels of the encoder of a network of one modality, for a stream of another network.

    In the text the encoder of the T2w images comes in part from a network for videos; here from any of the same widths.

    Examples
    --------
    >>> encoder(2)
    {'streams.0.levels.0.': 'streams.1.levels.0.', 'streams.0.levels.1.': 'streams.1.levels.1.'}
    """
    return {f"streams.0.levels.{level}.": f"streams.{into}.levels.{level}." for level in range(levels)}


def take_over(net: torch.nn.Module, weights: Mapping[str, torch.Tensor], parts: Mapping[str, str]) -> tuple[str, ...]:
    """Give a network the weights of parts of another; all others stay as they are.

    Parameters
    ----------
    net : Module
    weights : mapping
        Name -> tensor of the other network.
    parts : mapping
        How names begin there -> how they begin here.

    Returns
    -------
    tuple of str
        Names of the weights that were given.

    Raises
    ------
    ValueError
        A part is not in the other network, or one of its weights is not here, or of another shape.
    """
    own = net.state_dict()
    given: dict[str, torch.Tensor] = {}
    for there, here in parts.items():
        found = {here + name.removeprefix(there): value for name, value in weights.items() if name.startswith(there)}
        if not found:
            raise ValueError(f"the other network has no {there}")
        given |= found
    for name, value in given.items():
        if name not in own or own[name].shape != value.shape:
            shape = tuple(own[name].shape) if name in own else "not there"
            raise ValueError(f"{name} is {shape}, that of the other network {tuple(value.shape)}")
    net.load_state_dict(own | given)
    return tuple(given)
