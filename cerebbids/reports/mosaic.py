"""Pictures of the lobules on the images they were found in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import CARVED, COMPARTMENTS
from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.reports.doubt import tinted
from cerebbids.reports.drawing import (
    Key,
    Outline,
    Panel,
    Picture,
    Row,
    caption,
    color_jpeg,
    grey,
    jpeg,
    write_picture,
)
from cerebbids.reports.outlines import outline
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Box, Plane, Volume, cut
from cerebbids.systems.space import SPACE

MARGIN = 6.0
"""What is shown around the cerebellum, mm."""

STEP = 0.5
"""Distance of the samples in a cut, mm."""

SCALE = 2.0
"""Picture units a millimetre takes."""

LARGE = 3.5
"""The same where voxels of half a millimetre are to be seen."""

BEYOND = 0.01
"""How far beyond a cut its labels are looked up, mm: midway between two planes of voxels each may have a share of
exactly a half, which no outline surrounds."""

_COLORS = "L and R are the person's left and right; the second colour is the right side's."
_NOTE = f"{_COLORS} Positions are scanner coordinates in mm."


def segmentation_mosaic(t1w_path: Path, dseg_path: Path, out: Path) -> None:
    """Draw the lobules on the T1w image, in three planes around the cerebellum.

    The cuts run along the axes of the world (the scanner's), whatever way the voxels lie.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    dseg_path : Path
        Labels of ``seg-Lobules`` in the same world.
    out : Path
        SVG file. The pointer on a cut takes its labels away.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, COMPARTMENTS)
    coronal, axial, sagittal = (scene.cuts(plane, n) for plane, n in ((CORONAL, 10), (AXIAL, 10), (SAGITTAL, 7)))
    rows = (
        Row(coronal[:5], "Coronal, from the back to the front"),
        Row(coronal[5:]),
        Row(axial[:5], "Axial, from below to above"),
        Row(axial[5:]),
        Row(sagittal, "Sagittal, from left to right"),
    )
    write_picture(Picture("Lobules on the T1w image", rows, scene.legend(), 0.35, (_NOTE,)), out)


def carved_mosaic(superres_path: Path, dseg_path: Path, out: Path) -> None:
    """Draw the labels of 0.5 mm on the super-resolved T1w image, as the others are drawn, but fewer and larger.

    Parameters
    ----------
    superres_path : Path
        Super-resolved T1w image.
    dseg_path : Path
        Labels of ``seg-DeepCERES`` in the same world.
    out : Path
        SVG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(superres_path, dseg_path, CARVED, LARGE)
    title = "Lobules without fluid, on the super-resolved T1w image"
    write_picture(Picture(title, scene.few_rows(), scene.legend(), 0.35, (_NOTE,)), out)


def atlas_mosaic(superres_path: Path, atlas_path: Path, out: Path) -> None:
    """Draw what the library voted for on the super-resolved T1w image, likewise, in the working space.

    Parameters
    ----------
    superres_path : Path
        Super-resolved T1w image in the working space.
    atlas_path : Path
        Labels of ``seg-Lobules`` that got most votes, in the same space.
    out : Path
        SVG file.

    Raises
    ------
    SegmentationFailed
        Nothing was voted for.
    """
    scene = load_scene(superres_path, atlas_path, COMPARTMENTS, LARGE)
    note = f"{_COLORS} Positions are coordinates of {SPACE} in mm."
    title = "What the library voted for, on the super-resolved T1w image"
    write_picture(Picture(title, scene.few_rows(), scene.legend(), 0.2, (note,)), out)


@dataclass(frozen=True)
class Scene:
    """A scan and its labels, ready to be cut.

    Parameters
    ----------
    t1w, dseg : Volume
        Scan and labels in the same world.
    scheme : LabelScheme
    view : Box
        What every panel shows.
    window : tuple of float
        Grey values of black and white.
    scale : float
        Picture units a millimetre takes.
    doubt : Volume or None
        One less the probability that a label is right, in the same world: colours in place of outlines, and the scan
        alone under the pointer.
    """

    t1w: Volume
    dseg: Volume
    scheme: LabelScheme
    view: Box
    window: tuple[float, float]
    scale: float = SCALE
    doubt: Volume | None = None

    def cuts(self, plane: Plane, count: int) -> tuple[Panel, ...]:
        """Draw cuts that are spread evenly over the labels."""
        return self.panels(plane, self.dseg.box().positions(plane, count))

    def panels(self, plane: Plane, positions: tuple[float, ...]) -> tuple[Panel, ...]:
        """Draw cuts at the given world coordinates (mm)."""
        return tuple(self._panel(plane, position) for position in positions)

    def few_rows(self, sagittal: int = 4) -> tuple[Row, ...]:
        """Draw few cuts in each plane, where they are large: so many sagittal ones."""
        return (
            Row(self.cuts(CORONAL, 3), "Coronal, from the back to the front"),
            Row(self.cuts(AXIAL, 3), "Axial, from below to above"),
            Row(self.cuts(SAGITTAL, sagittal), "Sagittal, from left to right"),
        )

    def legend(self) -> tuple[Key, ...]:
        """Name every region with the colours of its left and right part."""
        colors: dict[str, tuple[str, ...]] = {}
        for label in self.scheme.labels:  # the left side's labels come first
            colors[label.region] = (*colors.get(label.region, ()), label.color)
        return tuple(Key(region, both) for region, both in colors.items())

    def _panel(self, plane: Plane, position: float) -> Panel:
        scan = cut(self.t1w, plane, position, self.view, STEP)
        size = (scan.shape[1] * STEP * self.scale, scan.shape[0] * STEP * self.scale)
        told = caption(plane, position)
        if self.doubt is None:
            return Panel(jpeg(scan, self.window), size, told, plane.edges, self._outlines(plane, position))
        probability = 1 - cut(self.doubt, plane, position, self.view, STEP)
        colored = color_jpeg(tinted(grey(scan, self.window), probability), quality=92)
        return Panel(colored, size, told, plane.edges, (), jpeg(scan, self.window, quality=92), told)

    def _outlines(self, plane: Plane, position: float) -> tuple[Outline, ...]:
        outlines = []
        present = set(np.unique(self.dseg.data).tolist())
        for label in (label for label in self.scheme.labels if label.index in present):
            part = Volume((self.dseg.data == label.index).astype(np.float32), self.dseg.affine)
            path = outline(cut(part, plane, position + BEYOND, self.view, STEP), scale=STEP * self.scale)
            if path:
                outlines.append(Outline(path, label.color, label.name))
        return tuple(outlines)


def load_scene(t1w_path: Path, dseg_path: Path, scheme: str, scale: float = SCALE) -> Scene:
    """Read a scan and its labels, which are of a scheme, and look at the cerebellum.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    t1w, dseg = Volume.of(nib.load(t1w_path), np.float32), Volume.of(nib.load(dseg_path))
    if not dseg.data.any():
        raise SegmentationFailed(str(dseg_path), "has no label", "look at the scan and its registration")
    dseg = dseg.cropped()
    box = dseg.box()
    return Scene(t1w, dseg, load_scheme(scheme), box.grown(MARGIN), _window(t1w, dseg, box), scale)


def _window(t1w: Volume, dseg: Volume, box: Box) -> tuple[float, float]:
    """Grey values of black and white: the cerebellum decides, not the bright fat around it."""
    scan, inside = [], []
    for plane in (SAGITTAL, CORONAL, AXIAL):
        (middle,) = box.positions(plane, 1)
        scan.append(cut(t1w, plane, middle, box.grown(MARGIN), 1).ravel())
        inside.append(cut(dseg, plane, middle, box.grown(MARGIN), 1, 0).ravel() > 0)
    values, mask = np.concatenate(scan), np.concatenate(inside)
    bright = values[mask] if mask.any() else values
    return float(np.percentile(values, 2)), 1.15 * float(np.percentile(bright, 99.5))
