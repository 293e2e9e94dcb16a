"""Pictures of the tissues of an infant's cerebellum, on the scan and in its own world."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import TISSUES
from cerebbids.reports.cavity import outline_check
from cerebbids.reports.doubt import doubt_legend, tinted
from cerebbids.reports.drawing import Panel, Picture, Row, caption, color_jpeg, grey, jpeg, write_picture
from cerebbids.reports.mosaic import LARGE, STEP, Scene, load_scene
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Plane, Volume, cut

_NOTE = "L and R are the infant's left and right. Positions are scanner coordinates in mm."
_CUTS = (
    (CORONAL, 3, "Coronal, from the back to the front"),
    (AXIAL, 3, "Axial, from below to above"),
    (SAGITTAL, 3, "Sagittal, from left to right"),
)


def tissue_mosaic(t1w_path: Path, dseg_path: Path, out: Path) -> None:
    """Outline the tissues on the T1w image, in few and large cuts.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    dseg_path : Path
        Labels of ``seg-CerebellumTissue`` in the same world.
    out : Path
        SVG file. The pointer on a cut takes its labels away.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, TISSUES, LARGE)
    rows = tuple(Row(scene.cuts(plane, count), title) for plane, count, title in _CUTS)
    write_picture(Picture("Tissues on the T1w image", rows, scene.legend(), 0.2, (_NOTE,)), out)


def trust_check(t1w_path: Path, dseg_path: Path, trust_path: Path, out: Path) -> None:
    """Colour the same cuts where a label may be wrong; under the pointer, the scan alone.

    Parameters
    ----------
    t1w_path, dseg_path
        As :func:`tissue_mosaic` takes them.
    trust_path : Path
        Probability that the label is right, on the grid of the labels; 0 where the networks gave none: labels given by
        hand have no colour.
    out : Path
        SVG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, TISSUES, LARGE)
    image, labels = nib.load(trust_path), Volume.of(nib.load(dseg_path))
    trust = image.get_fdata(dtype=np.float32)
    doubt = np.where((labels.data > 0) & (trust > 0), 1 - trust, 0)
    drawn = _Doubted(scene, Volume(doubt, image.affine).within(scene.view))
    rows = tuple(drawn.row(plane, count, title) for plane, count, title in _CUTS)
    note = "Probability that the label is right; without colour: 0.95 and more, or no label of the networks."
    write_picture(Picture("Where labels may be wrong", rows, doubt_legend(), notes=(note, _NOTE)), out)


class _Doubted:
    """A scene with colours on it; ``doubt`` is one less the probability, in the same world."""

    def __init__(self, scene: Scene, doubt: Volume) -> None:
        self.scene, self.doubt = scene, doubt

    def row(self, plane: Plane, count: int, title: str) -> Row:
        positions = self.scene.dseg.box().positions(plane, count)
        return Row(tuple(self._panel(plane, position) for position in positions), title)

    def _panel(self, plane: Plane, position: float) -> Panel:
        scene = self.scene
        scan = cut(scene.t1w, plane, position, scene.view, STEP)
        probability = 1 - cut(self.doubt, plane, position, scene.view, STEP)
        told = caption(plane, position)
        return Panel(
            color_jpeg(tinted(grey(scan, scene.window), probability), quality=92),
            (scan.shape[1] * STEP * scene.scale, scan.shape[0] * STEP * scene.scale),
            told,
            plane.edges,
            (),
            jpeg(scan, scene.window, quality=92),
            told,
        )


def place_check(t1w_path: Path, shown_path: Path, out: Path) -> None:
    """Outline on the whole head what the networks were shown of it.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    shown_path : Path
        Mask of the cerebellum, the brainstem beside it and the fluid around both, on the same grid.
    out : Path
        SVG file. The pointer on a cut takes the outline away.
    """
    outline_check(t1w_path, shown_path, out, "Where the cerebellum was found", "Cerebellum and brainstem", whole=True)
