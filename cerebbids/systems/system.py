"""What a published system is made of, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
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
    grids : mapping
        Its networks, and where in the working space each of them looks; none of one that looks at the image itself.
    channels : mapping
        Input channels and classes of those that label.
    tiled : tuple of str
        Networks that are asked piece by piece, and must not see a piece's own statistics.
    methods : mapping
        What may name its labels, and the networks that it takes.
    reference : str
        The paper.
    cerebellum : int or None
        Label of the whole cerebellum, where it has one.
    synthetic : bool
        Whether networks have learnt from synthetic images alone, and were never held against labels of real ones.
    licence : str
        Terms of the weights that the project trains (SPDX).
    """

    name: str
    scheme: str
    grids: Mapping[str, Grid | None]
    channels: Mapping[str, tuple[int, int]]
    tiled: tuple[str, ...]
    methods: Mapping[str, tuple[str, ...]]
    reference: str
    cerebellum: int | None = None
    synthetic: bool = False
    licence: str = "CC-BY-NC-SA-4.0"
