"""Whether labels run into the end of what was imaged, or of their grid, and so may be cut off there."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np

TIP_CM2 = 3.0
"""Area that a whole cerebellum without skull may have in the last plane that is not 0, times the depth of a plane in
mm: 1.0 at most in 20 people at 1 mm, 7.6 at 3 mm. Where the lowest hundredth is cut off it is 5 to 15."""
SHOWN = 0.001
"""Share of a plane that is not 0 where the image shows anything: noise and denoising leave a few voxels beyond."""


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
        Its outer planes of (nearly) nothing but 0 are no field of view.
    """
    field = inside[_shown(np.asarray(t1w.dataobj) != 0)]
    columns = t1w.affine[:3, :3]
    for axis in range(3):
        across = np.delete(columns, axis, axis=1)
        cm2 = np.linalg.norm(np.cross(*across.T)) / 100
        for end in (0, -1):
            yield axis, end, float(np.count_nonzero(field.take(end, axis)) * cm2)


def _shown(seen: np.ndarray) -> tuple[slice, ...]:
    """Box of the planes that show more than a few voxels; all of an image that shows nothing."""
    box = []
    for axis in range(seen.ndim):
        others = tuple(other for other in range(seen.ndim) if other != axis)
        planes = np.flatnonzero(seen.mean(axis=others) > SHOWN)
        box.append(slice(planes[0], planes[-1] + 1) if planes.size else slice(None))
    return tuple(box)


def at_field_edge(labels: np.ndarray, t1w: nib.Nifti1Image) -> bool:
    """Whether labels reach the end of the grid or, by more than :data:`TIP_CM2`, that of what is not 0 in the image.

    Parameters
    ----------
    labels : ndarray, 3D
        On the grid of the image.
    t1w : Nifti1Image
    """
    depth = np.linalg.norm(t1w.affine[:3, :3], axis=0).clip(min=1)
    return touches_face(labels) or any(area > TIP_CM2 * depth[axis] for axis, _, area in faces(labels > 0, t1w))


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
