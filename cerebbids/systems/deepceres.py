"""DeepCERES: lobules of the cerebellum, from childhood to old age (Manjon et al., NeuroImage 2025)."""

from __future__ import annotations

from cerebbids.imaging.grid import CEREBELLUM_1MM
from cerebbids.systems.system import System

DEEPCERES = System(
    name="deepceres",
    scheme="Lobules",
    grid=CEREBELLUM_1MM,
    age_range=(3.0, 100.0),
    inputs=("T1w",),
    reference="Manjon JV et al. DeepCERES. NeuroImage 2025;308:121063.",
)
