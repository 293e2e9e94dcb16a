"""A few large cuts through the cerebellum, on which single voxels of half a millimetre can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cerebbids.reports.drawing import Panel, Row, caption, jpeg
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Box, Plane, Volume, cut

VIEW = Box((-62.0, -102.0, -76.0), (62.0, -30.0, 10.0))
"""The part of the working space that is shown; with these cuts, samples are voxels of CEREBELLUM_05MM."""

CUTS = (
    (CORONAL, (-71.75, -57.75), "Coronal"),
    (AXIAL, (-41.75, -27.75), "Axial"),
    (SAGITTAL, (-24.25, 0.25, 24.25), "Sagittal"),
)

STEP = 0.5
"""Distance of the samples in a cut, mm."""

SCALE = 5.0
"""Picture units a millimetre takes."""


@dataclass(frozen=True)
class Layer:
    """An image to look at.

    Parameters
    ----------
    volume : Volume
        In the working space.
    name : str
        What the captions call it.
    window : tuple of float
        Grey values of black and white.
    order : int
        How it is sampled between its voxels: 1 linear, 3 cubic spline.
    """

    volume: Volume
    name: str
    window: tuple[float, float]
    order: int = 1

    def picture(self, plane: Plane, position: float) -> str:
        """Draw one cut, as a data URI."""
        return jpeg(cut(self.volume, plane, position, VIEW, STEP, self.order), self.window, quality=95)

    def caption(self, plane: Plane, position: float) -> str:
        """Say what the cut shows, and where it lies."""
        return f"{self.name}, {caption(plane, position)}"


def close_ups(shown: Layer, under_pointer: Layer) -> tuple[Row, ...]:
    """Draw the cuts through one image; under the pointer, another one shows in its place."""
    return tuple(
        Row(tuple(_panel(shown, under_pointer, plane, position) for position in positions), title)
        for plane, positions, title in CUTS
    )


def bright_end(volume: Volume) -> float:
    """Grey value of white for an image of unknown units."""
    seen = np.concatenate([cut(volume, plane, where, VIEW, 2.0).ravel() for plane, at, _ in CUTS for where in at])
    return 1.05 * float(np.percentile(seen, 99.5))


def _panel(shown: Layer, under_pointer: Layer, plane: Plane, position: float) -> Panel:
    width, height = VIEW.size(plane)
    return Panel(
        shown.picture(plane, position),
        (width * SCALE, height * SCALE),
        shown.caption(plane, position),
        plane.edges,
        (),
        under_pointer.picture(plane, position),
        under_pointer.caption(plane, position),
    )
