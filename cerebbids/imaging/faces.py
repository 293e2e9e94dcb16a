"""Whether labels run into the end of what was imaged, or of their grid, and so may be cut off there."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np
from scipy import ndimage

TIP_CM2 = 1.0
"""Area that a whole cerebellum may have in the last plane that is not 0: the tip of one without skull."""


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


def faces(inside: np.ndarray, t1w: nib.Nifti1Image) -> Iterator[tuple[int, int, float]]:
    """Axis, end (0 or -1) and area (cm2) of a mask in each face of the field of view.

    Parameters
    ----------
    inside : ndarray of bool, 3D
        Mask on the grid of the image.
    t1w : Nifti1Image
        Its outer planes of nothing but 0 are no field of view.
    """
    seen = ndimage.find_objects((np.asarray(t1w.dataobj) != 0).astype(np.uint8))
    field = inside[seen[0]] if seen else inside
    columns = t1w.affine[:3, :3]
    for axis in range(3):
        across = np.delete(columns, axis, axis=1)
        cm2 = np.linalg.norm(np.cross(*across.T)) / 100
        for end in (0, -1):
            yield axis, end, float(np.count_nonzero(field.take(end, axis)) * cm2)


def at_field_edge(labels: np.ndarray, t1w: nib.Nifti1Image) -> bool:
    """Whether labels reach the end of the grid or, by more than :data:`TIP_CM2`, that of what is not 0 in the image.

    Parameters
    ----------
    labels : ndarray, 3D
        On the grid of the image.
    t1w : Nifti1Image
    """
    return touches_face(labels) or any(area > TIP_CM2 for _, _, area in faces(labels > 0, t1w))


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
