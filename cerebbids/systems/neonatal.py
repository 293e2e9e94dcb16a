"""Neonates, preterm and at term: nine classes of the whole brain from T1w and T2w."""

from __future__ import annotations

from cerebbids.systems.system import System

PLACE = "place_neonates"
"""Network that finds brain and cerebellum."""
SIDE = 64
"""Of a patch, voxels of 1 mm."""
BRAIN_CM3, CEREBELLUM_CM3 = (50.0, 650.0), (1.0, 60.0)
"""Volumes of a brain, and of its cerebellum, of 24 to 50 postmenstrual weeks, with room."""
WEEKS = (36.0, 5.0)
"""Mean and standard deviation by which ages are standardised where a network tells them: 26 to 45 are -2 to 1.8."""

NEONATAL = System(
    name="neonatal",
    scheme="DrawEM9",
    # They look along the axes of the image itself, not at the working space.
    grids=dict.fromkeys((PLACE, "brain")),
    channels={PLACE: (1, 4), "brain": (2, 10)},
    tiled=(),
    methods={"brain": (PLACE, "brain")},
    reference=(
        "Richter L, Fetit AE. Accurate segmentation of neonatal brain MRI with deep learning.\n"
        "  Frontiers in Neuroinformatics 16:1006532, 2022. doi:10.3389/fninf.2022.1006532"
    ),
    cerebellum=6,
    synthetic=True,
    licence="GPL-3.0-only",  # that of BOUNTI's label map, which all of their images were painted from
)
