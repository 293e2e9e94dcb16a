"""Pictures of the tissues of an infant's cerebellum, on the scan and in its own world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import TISSUES
from cerebbids.reports.cavity import outline_check
from cerebbids.reports.doubt import doubt_legend
from cerebbids.reports.drawing import Picture, write_picture
from cerebbids.reports.mosaic import LARGE, load_scene
from cerebbids.reports.slices import Volume

_NOTE = "L and R are the infant's left and right. Positions are scanner coordinates in mm."
_SAGITTAL = 3
"""Cuts in that plane, as in the others."""


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
    write_picture(Picture("Tissues on the T1w image", scene.few_rows(_SAGITTAL), scene.legend(), 0.2, (_NOTE,)), out)


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
    rows = replace(scene, doubt=Volume(doubt, image.affine).within(scene.view)).few_rows(_SAGITTAL)
    note = "Probability that the label is right; without colour: 0.95 and more, or no label of the networks."
    write_picture(Picture("Where labels may be wrong", rows, doubt_legend(), notes=(note, _NOTE)), out)


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
