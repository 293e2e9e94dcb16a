"""Small libraries whose members are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cerebbids.data.labels import load_scheme
from cerebbids.inference.library import write_library
from cerebbids.systems.grid import Grid

GRID = Grid((-7.5, -8.0, -8.0), (16, 16, 16))
LEFT, RIGHT = 5, 18
"""Channels of left and right VI."""


def cerebellum(shift: int = 0, bright: int = 180) -> tuple[np.ndarray, np.ndarray]:
    """Image and channels: a bright block, larger on the left (low x), that may be moved along y."""
    image, labels = np.full(GRID.shape, 40, np.uint8), np.zeros(GRID.shape, np.uint8)
    along = slice(4 + shift, 12 + shift)
    labels[2:8, along, 4:12], labels[8:11, along, 5:12] = LEFT, RIGHT
    image[labels > 0] = bright
    return image, labels


def write_blocks(folder: Path, shifts: tuple[int, ...] = (0, 1, 2)) -> Path:
    """Write a library of such blocks."""
    images, labels = zip(*map(cerebellum, shifts), strict=True)
    sources = [f"somebody-{shift}" for shift in shifts]
    scheme = load_scheme("Lobules")
    write_library(folder, images, labels, GRID, scheme, sources=sources, licence="CC0-1.0", made="blocks")
    return folder
