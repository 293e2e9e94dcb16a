"""Picture of a T2w image on the T1w image of the same brain."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.reports.drawing import Panel, Picture, Row, caption, jpeg, write_picture
from cerebbids.reports.infant import CUTS, NOTE
from cerebbids.reports.mosaic import SCALE
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Plane, Volume, cut

_AROUND = 8.0
"""What is shown around the brain, mm."""
_STEP = 0.5
"""Distance of the samples in a cut, mm."""


def pair_check(t1w_path: Path, t2w_path: Path, shown_path: Path, out: Path) -> None:
    """Draw the T2w image on the grid of the T1w image; under the pointer, the T1w image.

    Parameters
    ----------
    t1w_path, t2w_path : Path
        Both on one grid.
    shown_path : Path
        Mask of the brain on the same grid.
    out : Path
        SVG file.
    """
    t1w, t2w = (Volume.of(nib.load(path), np.float32) for path in (t1w_path, t2w_path))
    shown = Volume.of(nib.load(shown_path))
    box, inside = shown.box(), shown.data > 0
    view = box.grown(_AROUND)
    windows = [(0.0, 1.05 * float(np.percentile(image.data[inside], 99.5))) for image in (t2w, t1w)]

    def panel(plane: Plane, position: float) -> Panel:
        scans = [cut(image, plane, position, view, _STEP) for image in (t2w, t1w)]
        size = (scans[0].shape[1] * _STEP * SCALE, scans[0].shape[0] * _STEP * SCALE)
        first, second = (jpeg(scan, window, quality=92) for scan, window in zip(scans, windows, strict=True))
        told = caption(plane, position)
        return Panel(first, size, f"T2w, {told}", plane.edges, (), second, f"T1w, {told}")

    planes = (CORONAL, "Coronal"), (AXIAL, "Axial"), (SAGITTAL, "Sagittal")
    rows = tuple(Row(tuple(panel(plane, at) for at in box.positions(plane, CUTS)), title) for plane, title in planes)
    write_picture(Picture("T2w image on the T1w image", rows, (), notes=(NOTE,)), out)
