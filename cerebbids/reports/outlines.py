"""Outlines of regions in a plane cut, as SVG path data."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from matplotlib.path import Path


def outline(field: np.ndarray, level: float = 0.5, scale: float = 1.0) -> str:
    """Trace where a field crosses a level.

    Parameters
    ----------
    field : ndarray of shape (height, width)
        A region's membership, 0 to 1, say; first row at the top.
    level : float
    scale : float
        Picture units a sample takes.

    Returns
    -------
    str
        The ``d`` of an SVG path, its origin the picture's upper left corner; one closed ring for each part
        and each hole (fill it by the even-odd rule). Empty where nothing reaches the level.

    Examples
    --------
    >>> outline(np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]), scale=10)
    'M10 15L15 10L20 15L15 20Z'
    """
    # A rim of zeros closes the rings of regions that the picture cuts off.
    rings = contour_generator(z=np.pad(np.asarray(field, float), 1)).lines(level)
    return "".join(_ring((ring - 0.5) * scale) for ring in rings if len(ring) > 3)


def _ring(points: np.ndarray) -> str:
    # Matplotlib drops the points that do not show: half of the file's size.
    path = Path(points).cleaned(simplify=True)
    kept = path.vertices[(path.codes == Path.MOVETO) | (path.codes == Path.LINETO)]
    texts = [f"{x:.1f} {y:.1f}".replace(".0 ", " ").removesuffix(".0") for x, y in kept]
    while len(texts) > 1 and texts[-1] == texts[0]:  # Z closes the ring
        texts.pop()
    return f"M{'L'.join(texts)}Z" if len(texts) > 2 else ""
