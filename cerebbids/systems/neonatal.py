"""Neonates, preterm and at term: nine classes of the whole brain from T1w and T2w."""

from __future__ import annotations

from cerebbids.systems.system import System

NEONATAL = System(
    name="neonatal",
    scheme="DrawEM9",
    # They look along the axes of the image itself, not at the working space.
    grids=dict.fromkeys(("place", "brain")),
    channels={"place": (1, 4), "brain": (2, 10)},
    tiled=(),
    methods={"brain": ("place", "brain")},
    reference=(
        "Richter L, Fetit AE. Accurate segmentation of neonatal brain MRI with deep learning.\n"
        "  Frontiers in Neuroinformatics 16:1006532, 2022. doi:10.3389/fninf.2022.1006532"
    ),
    synthetic=True,
)
