"""Picture of the scan in the working space, under the template's outlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.imaging.template import (
    template_brain_mask,
    template_cerebellum,
    template_t1w,
    template_tissues,
)
from cerebbids.reports.drawing import Key, Outline, Panel, Picture, Row, caption, jpeg, write_picture
from cerebbids.reports.outlines import outline
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Box, Plane, Volume, cut
from cerebbids.systems.space import SPACE

VIEW = Box((-76, -112, -70), (76, 78, 84))
"""The part of the working space that is shown."""

STEP = 1.0
"""Distance of the samples in a cut, mm."""

SCALE = 1.4
"""Picture units a millimetre takes."""


@dataclass(frozen=True)
class _Border:
    field: Volume
    color: str
    name: str


def registration_check(t1w_mni_path: Path, out: Path) -> None:
    """Draw the template's outlines on the scan that was brought into the template's space.

    Parameters
    ----------
    t1w_mni_path : Path
        T1w image in the working space.
    out : Path
        SVG file. The pointer on a cut shows the template in its place.
    """
    scan, template = Volume.of(nib.load(t1w_mni_path), np.float32), Volume.of(template_t1w())
    borders = (
        _Border(Volume.of(template_brain_mask(), np.float32), "#00c8ff", "Brain"),
        _Border(Volume.of(template_tissues()[1], np.float32), "#ff5a5a", "White matter"),
        _Border(Volume.of(template_cerebellum(), np.float32), "#ffd54a", "Cerebellum and brainstem"),
    )
    scene = _Scene(scan, template, _white(scan), _white(template), borders)
    rows = (
        scene.row(AXIAL, (-52, -40, -28, -16, 6, 36), "Axial"),
        scene.row(CORONAL, (-86, -74, -62, -50, -24, 10), "Coronal"),
        scene.row(SAGITTAL, (-36, -18, 0, 18, 36), "Sagittal"),
    )
    legend = tuple(Key(f"Template: {border.name.lower()}", (border.color,)) for border in borders)
    note = f"The scan in {SPACE}; positions are coordinates of that space in mm."
    write_picture(Picture("Registration to the template", rows, legend, notes=(note,)), out)


@dataclass(frozen=True)
class _Scene:
    scan: Volume
    template: Volume
    scan_white: float
    template_white: float
    borders: tuple[_Border, ...]

    def row(self, plane: Plane, positions: tuple[float, ...], title: str) -> Row:
        return Row(tuple(self._panel(plane, position) for position in positions), title)

    def _panel(self, plane: Plane, position: float) -> Panel:
        scan = cut(self.scan, plane, position, VIEW, STEP)
        template = cut(self.template, plane, position, VIEW, STEP)
        return Panel(
            jpeg(scan, (0, self.scan_white)),
            (scan.shape[1] * STEP * SCALE, scan.shape[0] * STEP * SCALE),
            caption(plane, position),
            plane.edges,
            tuple(self._outlines(plane, position)),
            jpeg(template, (0, self.template_white)),
        )

    def _outlines(self, plane: Plane, position: float) -> Iterator[Outline]:
        for border in self.borders:
            path = outline(cut(border.field, plane, position, VIEW, STEP), scale=STEP * SCALE)
            if path:
                yield Outline(path, border.color, border.name)


def _white(volume: Volume) -> float:
    """Grey value of white: the brain decides, not the fat around it."""
    brain = volume.data[np.asarray(template_brain_mask().dataobj) > 0]
    return 1.05 * float(np.percentile(brain, 99.5))
