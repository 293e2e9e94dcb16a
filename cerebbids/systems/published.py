"""The published systems, by their names on the command line."""

from __future__ import annotations

from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL
from cerebbids.systems.system import System

SYSTEMS: dict[str, System] = {system.name: system for system in (DEEPCERES, INFANT, ISOINTENSE, NEONATAL)}
