"""Pictures of an infant's labels, on the scan and in its own world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import TISSUES
from cerebbids.reports.cavity import outline_check
from cerebbids.reports.doubt import doubt_legend
from cerebbids.reports.drawing import Picture, write_picture
from cerebbids.reports.mosaic import LARGE, SCALE, Scene, load_scene
from cerebbids.reports.slices import Volume

NOTE = "L and R are the infant's left and right. Positions are scanner coordinates in mm."
CUTS = 3
"""In every plane."""


@dataclass(frozen=True)
class _Look:
    """How labels are drawn, and what is written beside: magnification, width of lines, titles, outlines, colours."""

    scale: float
    line: float
    title: str
    found: str
    shown: str
    doubt: str


_OF_TISSUES = _Look(
    LARGE, 0.2, "Tissues on the T1w image", "Where the cerebellum was found", "Cerebellum and brainstem",
    "Probability that the label is right; without colour: 0.95 and more, or no label of the networks.",
)  # fmt: skip
_OF_BRAINS = _Look(
    SCALE, 0.3, "Classes of the brain on the T1w image", "Where the brain was found", "What the networks were shown",
    "Probability of what the networks found; without colour: 0.95 and more, or no label.",
)  # fmt: skip


def class_mosaic(t1w_path: Path, dseg_path: Path, scheme: str, out: Path) -> None:
    """Outline the classes on the T1w image, in few cuts.

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
    scene, look = _scene(t1w_path, dseg_path, scheme), _look(scheme)
    write_picture(Picture(look.title, scene.few_rows(CUTS), scene.legend(), look.line, (NOTE,)), out)


def class_doubt(t1w_path: Path, dseg_path: Path, scheme: str, confidence_path: Path, out: Path) -> None:
    """Colour the same cuts where a label may be wrong; under the pointer, the scan alone.

    Parameters
    ----------
    t1w_path, dseg_path, scheme
        As :func:`class_mosaic` takes them.
    confidence_path : Path
        Probability that the label is right, on the grid of the labels; of brains, of the background too. Where it is 0
        the networks gave no tissue, and labels given by hand have no colour.
    out : Path
        SVG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    image, labels = nib.load(confidence_path), Volume.of(nib.load(dseg_path))
    confidence = image.get_fdata(dtype=np.float32)
    doubt = Volume(np.where((labels.data > 0) & (confidence > 0), 1 - confidence, 0), image.affine)
    scene = _scene(t1w_path, dseg_path, scheme)
    rows = replace(scene, doubt=doubt.within(scene.view)).few_rows(CUTS)
    write_picture(Picture("Where labels may be wrong", rows, doubt_legend(), notes=(_look(scheme).doubt, NOTE)), out)


def shown_check(t1w_path: Path, shown_path: Path, scheme: str, out: Path) -> None:
    """Outline on the whole image what the networks were shown of it.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    shown_path : Path
        Mask on the same grid.
    scheme : str
        Label scheme of the networks.
    out : Path
        SVG file. The pointer on a cut takes the outline away.
    """
    look = _look(scheme)
    outline_check(t1w_path, shown_path, out, look.found, look.shown, whole=True)


def _look(scheme: str) -> _Look:
    return _OF_TISSUES if scheme == TISSUES else _OF_BRAINS


def _scene(t1w_path: Path, dseg_path: Path, scheme: str) -> Scene:
    return load_scene(t1w_path, dseg_path, scheme, _look(scheme).scale)
