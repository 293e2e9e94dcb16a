"""What a published system is made of, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from cerebbids.systems.grid import Grid


@dataclass(frozen=True)
class System:
    """A segmentation system.

    Parameters
    ----------
    name : str
        As on the command line and in ``cerebbids/data/models``.
    scheme : str
        Label scheme, the value of the ``seg-`` entity.
    grid : Grid
        Where its network looks, in the working space.
    age_range : tuple of float
        Youngest and oldest person it is meant for, years.
    inputs : tuple of str
        BIDS suffixes it needs.
    reference : str
        The paper.
    """

    name: str
    scheme: str
    grid: Grid
    age_range: tuple[float, float]
    inputs: tuple[str, ...]
    reference: str
