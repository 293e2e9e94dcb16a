"""Whether labels run into the end of the grid that they are on, and so may be cut off there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def touches_face(labels: np.ndarray) -> bool:
    """Whether a label lies in an outermost plane.

    Examples
    --------
    >>> labels = np.zeros((3, 3, 3), int)
    >>> labels[1, 1, 1] = 5
    >>> touches_face(labels), touches_face(labels[:, :, 1:])
    (False, True)
    """
    return any(labels.take(end, axis).any() for axis in range(labels.ndim) for end in (0, -1))


def cut_off(in_box: np.ndarray, in_template: np.ndarray) -> Iterator[str]:
    """Warnings about labels that template space may have cut off.

    Parameters
    ----------
    in_box : ndarray, 3D
        Labels in the box that the network sees.
    in_template : ndarray, 3D
        Labels on the template's grid.
    """
    if touches_face(in_box):
        yield "The cerebellum reaches the edge of the box that the network sees: part of it may not be labelled."
    if touches_face(in_template):
        yield "The cerebellum reaches the edge of the template's grid: the labels in its space may be cut off."
