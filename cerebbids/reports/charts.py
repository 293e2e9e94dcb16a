"""How curves and bars look in all figures, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from cerebbids.files import atomic

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cerebbids",
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
}


@contextmanager
def chart(out: Path, title: str, size: tuple[float, float]) -> Iterator[Figure]:
    """Give a figure to draw in, and write it as SVG, atomically and without a date, when the block ends well.

    Parameters
    ----------
    out : Path
        SVG file.
    title : str
        What a screen reader says.
    size : tuple of float
        Width and height in inches.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        with atomic(out) as draft:
            figure.savefig(draft, format="svg", metadata={"Date": None, "Title": title})
