"""Pictures of the classes of a whole brain, on the scan and in its own world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.reports.cavity import outline_check
from cerebbids.reports.doubt import doubt_legend
from cerebbids.reports.drawing import Panel, Picture, Row, caption, jpeg, write_picture
from cerebbids.reports.mosaic import SCALE, load_scene
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Plane, Volume, cut

_NOTE = "L and R are the infant's left and right. Positions are scanner coordinates in mm."
_CUTS = 3
"""In every plane."""
_AROUND = 8.0
"""What is shown around the brain, mm."""
_STEP = 0.5
"""Distance of the samples in a cut, mm."""


def brain_mosaic(t1w_path: Path, dseg_path: Path, scheme: str, out: Path) -> None:
    """Outline the classes on the T1w image.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    dseg_path : Path
        Labels in the same world.
    scheme : str
        Label scheme.
    out : Path
        SVG file. The pointer on a cut takes its labels away.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, scheme)
    title = "Classes of the brain on the T1w image"
    write_picture(Picture(title, scene.few_rows(_CUTS), scene.legend(), 0.3, (_NOTE,)), out)


def brain_doubt(t1w_path: Path, dseg_path: Path, scheme: str, confidence_path: Path, out: Path) -> None:
    """Colour the same cuts where a label may be wrong; under the pointer, the scan alone.

    Parameters
    ----------
    t1w_path, dseg_path, scheme
        As :func:`brain_mosaic` takes them.
    confidence_path : Path
        Probability of each voxel's label, on the grid of the labels.
    out : Path
        SVG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, scheme)
    image, labels = nib.load(confidence_path), Volume.of(nib.load(dseg_path))
    doubt = np.where(labels.data > 0, 1 - image.get_fdata(dtype=np.float32), 0)
    rows = replace(scene, doubt=Volume(doubt, image.affine).within(scene.view)).few_rows(_CUTS)
    note = "Probability of the label; without colour: 0.95 and more, or no label."
    write_picture(Picture("Where labels may be wrong", rows, doubt_legend(), notes=(note, _NOTE)), out)


def shown_check(t1w_path: Path, shown_path: Path, out: Path) -> None:
    """Outline on the whole image what the networks were shown of it.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    shown_path : Path
        Mask on the same grid.
    out : Path
        SVG file. The pointer on a cut takes the outline away.
    """
    outline_check(t1w_path, shown_path, out, "Where the brain was found", "What the networks were shown", whole=True)


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
    rows = tuple(Row(tuple(panel(plane, at) for at in box.positions(plane, _CUTS)), title) for plane, title in planes)
    write_picture(Picture("T2w image on the T1w image", rows, (), notes=(_NOTE,)), out)
