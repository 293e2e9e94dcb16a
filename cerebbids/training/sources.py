"""Whom a training may see: the people of the other folds, unlabelled brains, head maps and lobule maps."""

from __future__ import annotations

from pathlib import Path

from cerebbids.training.atlas import COBRALAB_BRAINS
from cerebbids.training.heads import HELD_OUT
from cerebbids.training.kit import EVERYBODY, bare_name, head_maps, oasis_people, stripped_brains

COBRALAB = tuple(f"CoBrALab-{brain}" for brain in COBRALAB_BRAINS)


def painted_heads(kit: Path) -> tuple[str, ...]:
    """Names of the head maps to paint: all but those that are kept for testing."""
    return tuple(name for name in map(bare_name, head_maps(kit)) if name not in HELD_OUT)


def brain_names(kit: Path) -> tuple[str, ...]:
    """Names of the unlabelled brains."""
    return tuple(map(bare_name, stripped_brains(kit)))


def people_but(kit: Path, fold: str) -> tuple[str, ...]:
    """Names of the labelled people, but for the fold's."""
    return tuple(p.id for p in oasis_people(kit) if fold == EVERYBODY or p.fold != int(fold))
