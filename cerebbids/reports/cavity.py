"""Picture of the intracranial cavity on the scan it was found in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.reports.drawing import Key, Outline, Panel, Picture, Row, caption, jpeg, write_picture
from cerebbids.reports.outlines import outline
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Box, Plane, Volume, cut

MARGIN = 14.0
"""What is shown around the cavity, mm: skull and scalp."""

STEP = 1.0
"""Distance of the samples in a cut, mm."""

SCALE = 1.4
"""Picture units a millimetre takes."""

COLOR = "#00c8ff"


def cavity_check(t1w_path: Path, icv_path: Path, out: Path) -> None:
    """Draw the outline of the intracranial cavity on the T1w image, in three planes through the whole head.

    The cuts run along the axes of the world (the scanner's), whatever way the voxels lie.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    icv_path : Path
        Mask of the intracranial cavity on the same grid; an empty one has no outline.
    out : Path
        SVG file. The pointer on a cut takes the outline away.
    """
    outline_check(t1w_path, icv_path, out, "Intracranial cavity", "Intracranial cavity")


def outline_check(t1w_path: Path, mask_path: Path, out: Path, title: str, name: str, *, whole: bool = False) -> None:
    """Draw the outline of a mask on the T1w image, as :func:`cavity_check` does.

    Parameters
    ----------
    t1w_path, mask_path, out
        As there.
    title, name : str
        Of the picture, and of what is outlined.
    whole : bool
        Whether to show all of the image, not the mask and a margin.
    """
    t1w, mask = Volume.of(nib.load(t1w_path), np.float32), Volume.of(nib.load(mask_path))
    scene = _scene(t1w, mask, name, whole)
    box = scene.cavity.box() if scene.cavity.data.any() else scene.view
    rows = (
        scene.row(AXIAL, box.positions(AXIAL, 6), "Axial, from below to above"),
        scene.row(CORONAL, box.positions(CORONAL, 6), "Coronal, from the back to the front"),
        scene.row(SAGITTAL, box.positions(SAGITTAL, 5), "Sagittal, from left to right"),
    )
    cm3 = np.count_nonzero(mask.data) * abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    note = f"The mask measures {cm3:.0f} cm\N{SUPERSCRIPT THREE}. Positions are scanner coordinates in mm."
    write_picture(Picture(title, rows, (Key(name, (COLOR,)),), notes=(note,)), out)


@dataclass(frozen=True)
class _Scene:
    t1w: Volume
    cavity: Volume
    view: Box
    window: tuple[float, float]
    name: str

    def row(self, plane: Plane, positions: tuple[float, ...], title: str) -> Row:
        return Row(tuple(self._panel(plane, position) for position in positions), title)

    def _panel(self, plane: Plane, position: float) -> Panel:
        scan = cut(self.t1w, plane, position, self.view, STEP)
        path = outline(cut(self.cavity, plane, position, self.view, STEP), scale=STEP * SCALE)
        return Panel(
            jpeg(scan, self.window),
            (scan.shape[1] * STEP * SCALE, scan.shape[0] * STEP * SCALE),
            caption(plane, position),
            plane.edges,
            (Outline(path, COLOR, self.name),) if path else (),
        )


def _scene(t1w: Volume, mask: Volume, name: str, whole: bool) -> _Scene:
    """Look at what is masked, with black and white such that it, and not the fat around it, has contrast."""
    inside = mask.data > 0
    everything = Volume(np.ones_like(mask.data), mask.affine)
    if not inside.any():
        outlined = Volume(inside.astype(np.float32), mask.affine)
        return _Scene(t1w, outlined, everything.box(), _window(t1w.data), name)
    cropped = mask.cropped()
    outlined = Volume((cropped.data > 0).astype(np.float32), cropped.affine)
    view = everything.box() if whole else outlined.box().grown(MARGIN)
    return _Scene(t1w, outlined, view, _window(t1w.data[inside]), name)


def _window(values: np.ndarray) -> tuple[float, float]:
    return 0.0, 1.1 * float(np.percentile(values, 99.5))
