"""Picture of the labelled cerebellum from six sides, as if it lay on a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cerebbids.bids.names import CARVED
from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.files import atomic
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.reports.rendering import VIEWS, Solid, View, render

SCALE = 3.0
"""Pixels a millimetre takes."""

GAP, TITLE, LINE, PAD = 28, 34, 26, 16
"""Distance of panels, height of their titles and of a line of the legend, border of the picture; pixels."""

ROWS = (("behind", "front", "left"), ("above", "below", "right"))
"""Names of the views, as they are laid out."""

_SOFT = "#c9ced6"
_NOTE = "The second colour is the right side's. L and R, A and P: the person's left, right, front and back."


def surface_figure(labels: nib.Nifti1Image, superres: nib.Nifti1Image, out: Path) -> None:
    """Draw the surface of the labels from six sides.

    The scan shines through the colours: so thin folia show whose fissures no label map is fine enough for.

    Parameters
    ----------
    labels : Nifti1Image
        Labels of ``seg-DeepCERES`` in the working space, voxels of one size along its axes.
    superres : Nifti1Image
        Super-resolved T1w image on the same grid, grey matter at 150.
    out : Path
        PNG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    upright, scan = nib.as_closest_canonical(labels), nib.as_closest_canonical(superres)
    data, spacing = np.asarray(upright.dataobj).astype(np.uint8), float(upright.header.get_zooms()[0])
    if not data.any():
        raise SegmentationFailed(str(labels.get_filename()), "has no label", "look at the scan and its registration")
    scheme = load_scheme(CARVED)
    solid = Solid.of(data, scan.get_fdata(dtype=np.float32) / TARGETS[1], spacing)
    colors = np.zeros((256, 3))
    for label in scheme.labels:
        colors[label.index] = [int(label.color[k : k + 2], 16) for k in (1, 3, 5)]
    panels = {name: Image.fromarray(render(solid, view, colors, SCALE)) for name, view in VIEWS.items()}
    with atomic(out) as draft:
        _laid_out(panels, scheme).save(draft, "PNG", optimize=True)


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings along: it looks alike everywhere."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


@dataclass(frozen=True)
class _Place:
    """Where a panel is: left upper corner, width, height."""

    x: int
    y: int
    width: int
    height: int


def _laid_out(panels: dict[str, Image.Image], scheme: LabelScheme) -> Image.Image:
    """Put panels in rows, each in the middle of its place, over the legend."""
    widths = [max(panels[row[column]].width for row in ROWS) for column in range(3)]
    heights = [max(panels[name].height for name in row) for row in ROWS]
    width = sum(widths) + 2 * GAP + 2 * PAD
    body = sum(heights) + len(ROWS) * (TITLE + GAP) + PAD
    entries = _legend(scheme)
    columns = max((width - 2 * PAD) // 150, 1)
    lines = -(-len(entries) // columns)
    sheet = Image.new("RGB", (width, body + (lines + 1) * LINE + PAD))
    draw, top = ImageDraw.Draw(sheet), PAD
    for row, height in zip(ROWS, heights, strict=True):
        left = PAD
        for name, space in zip(row, widths, strict=True):
            _put(sheet, draw, panels[name], VIEWS[name], _Place(left, top, space, height))
            left += space + GAP
        top += TITLE + height + GAP
    for k, (region, colors) in enumerate(entries):
        x, y = PAD + (k % columns) * 150, body + (k // columns) * LINE
        for side, color in enumerate(colors):
            draw.rectangle((x + 18 * side, y + 2, x + 18 * side + 15, y + 17), fill=color)
        draw.text((x + 18 * len(colors) + 6, y + 10), region, _SOFT, _font(15), "lm")
    draw.text((PAD, body + lines * LINE + 10), _NOTE, _SOFT, _font(15), "lm")
    return sheet


def _put(sheet: Image.Image, draw: ImageDraw.ImageDraw, panel: Image.Image, view: View, place: _Place) -> None:
    middle = place.y + TITLE + place.height // 2
    sheet.paste(panel, (place.x + (place.width - panel.width) // 2, middle - panel.height // 2))
    draw.text((place.x + place.width // 2, place.y + 12), view.title, "white", _font(18, bold=True), "mm")
    left, right = view.edges
    draw.text((place.x, place.y + 12), left, "#ffd54a", _font(18, bold=True), "lm")
    draw.text((place.x + place.width, place.y + 12), right, "#ffd54a", _font(18, bold=True), "rm")


def _legend(scheme: LabelScheme) -> list[tuple[str, list[str]]]:
    """Regions with the colours of their left and right part."""
    colors: dict[str, list[str]] = {}
    for label in scheme.labels:  # the left side's labels come first
        colors.setdefault(label.region, []).append(label.color)
    return list(colors.items())
