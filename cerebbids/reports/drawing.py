"""Pictures made of panels: scans as JPEG, outlines as paths, one SVG file that needs nothing else."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from cerebbids.files import write_text
from cerebbids.reports.slices import Plane

GAP = 4.0
"""Distance between panels, in picture units."""

TITLE = 22.0
"""Height of a row's title."""

HEADLINE = 30.0
"""Height of a picture's headline."""


@dataclass(frozen=True)
class Outline:
    """A region's border in a panel: SVG path data, CSS colour, and what the pointer reads on it."""

    path: str
    color: str
    name: str


@dataclass(frozen=True)
class Panel:
    """One plane cut.

    Parameters
    ----------
    image : str
        Data URI of the scan.
    size : tuple of float
        Width and height in picture units.
    caption : str
        Where the cut lies: ``y = -62``.
    edges : tuple of str
        Letters at the left and right border.
    outlines : tuple of Outline
    behind : str
        Data URI of another image that shows when the pointer is on the panel. None when empty; then the outlines go
        away under the pointer.
    behind_caption : str
        What the caption becomes while the other image shows; when empty, it stays.
    """

    image: str
    size: tuple[float, float]
    caption: str
    edges: tuple[str, str]
    outlines: tuple[Outline, ...]
    behind: str = ""
    behind_caption: str = ""


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a title (none when empty)."""

    panels: tuple[Panel, ...]
    title: str = ""

    @property
    def width(self) -> float:
        """Width in picture units."""
        return sum(panel.size[0] + GAP for panel in self.panels) - GAP

    @property
    def height(self) -> float:
        """Height in picture units, with the title."""
        return max(panel.size[1] for panel in self.panels) + (TITLE if self.title else 0)


@dataclass(frozen=True)
class Key:
    """An entry of the legend: a name and its colours (left and right, or one)."""

    name: str
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """Rows of panels and a legend.

    Parameters
    ----------
    title : str
        What a screen reader says.
    rows : tuple of Row
    legend : tuple of Key
    fill : float
        Opacity of what the outlines enclose, 0 to 1.
    notes : tuple of str
        Lines below the legend.
    headline : str
        What nobody must overlook: above the rows, in large letters. None when empty.
    """

    title: str
    rows: tuple[Row, ...]
    legend: tuple[Key, ...]
    fill: float = 0.0
    notes: tuple[str, ...] = ()
    headline: str = ""


@cache
def templates() -> Environment:
    """Give the packaged page and picture templates; all values are escaped."""
    folder = str(resources.files("cerebbids.data") / "report")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def caption(plane: Plane, position: float) -> str:
    """Say where a cut lies.

    Examples
    --------
    >>> from cerebbids.reports.slices import AXIAL
    >>> caption(AXIAL, 12.4)
    'z = 12'
    """
    return f"{plane.letter} = {position:.0f}".replace("-", "\N{MINUS SIGN}")


def jpeg(image: np.ndarray, window: tuple[float, float], quality: int = 82) -> str:
    """Write a grey picture as a data URI.

    Parameters
    ----------
    image : ndarray of shape (height, width)
    window : tuple of float
        Values shown black and white.
    quality : int
        From 1 to 95; the highest where a picture is enlarged.
    """
    return color_jpeg(grey(image, window), quality)


def grey(image: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Brightness from 0 to 255 (uint8) of an image; ``window`` are the values shown black and white."""
    low, high = window
    return (np.clip((image - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)


def color_jpeg(pixels: np.ndarray, quality: int = 82) -> str:
    """Write a picture as a data URI.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 3), uint8
        Grey, or red, green and blue.
    quality : int
        From 1 to 95.
    """
    buffer = io.BytesIO()
    # Colour at full resolution: thin bands would fade.
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, optimize=True, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_picture(picture: Picture, out: Path) -> None:
    """Write a picture as SVG, atomically."""
    template = templates().get_template("picture.svg.jinja")
    width = max(row.width for row in picture.rows)
    heights = {"title_height": TITLE, "headline_height": HEADLINE}
    write_text(out, template.render(picture=picture, width=width, gap=GAP, **heights))
