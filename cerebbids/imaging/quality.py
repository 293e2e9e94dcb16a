"""What should make a reader look twice at a segmentation."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.faces import at_field_edge, faces
from cerebbids.imaging.volumetry import lobule_volumes

TOTAL_CM3 = (95.0, 200.0)
"""Volumes of adult cerebella."""
WHITE_SHARE = (0.10, 0.35)
MAX_ASYMMETRY = 0.12
"""Largest |L - R| / ((L + R) / 2) of the two halves that is still usual."""
CAVITY_CM3 = (900.0, 2200.0)
"""Volumes of intracranial cavities, from children's to the largest."""
OPEN_CM2 = 20.0
"""Area of a cavity in the end of the field of view from which on it is cut off. The foramen magnum has about 8 cm2;
where 20 cm2 lie open at the vertex, some 5 cm3 are missing."""


def check_segmentation(dseg: nib.Nifti1Image, t1w: nib.Nifti1Image) -> tuple[str, ...]:
    """Warnings about a map of lobules; none when it looks like an adult cerebellum.

    Parameters
    ----------
    dseg : Nifti1Image
        Labels of the scheme Lobules.
    t1w : Nifti1Image
        The image they were found in, on the same grid.

    Returns
    -------
    tuple of str
        One sentence each.

    Raises
    ------
    ValueError
        The two images are not on one grid.
    """
    if dseg.shape != t1w.shape or not np.allclose(dseg.affine, t1w.affine, atol=1e-3):
        raise ValueError("labels and image are not on the same grid")
    return (*_volume_warnings(dseg), *_edge_warnings(dseg, t1w))


def _volume_warnings(dseg: nib.Nifti1Image) -> Iterator[str]:
    table = lobule_volumes(dseg, load_scheme(COMPARTMENTS))
    cm3 = table.set_index("name")["volume_mm3"] / 1000
    total = cm3["Cerebellum"]
    if not TOTAL_CM3[0] <= total <= TOTAL_CM3[1]:
        yield f"The cerebellum measures {total:.0f} cm3; an adult's has {TOTAL_CM3[0]:.0f} to {TOTAL_CM3[1]:.0f}."
    for name in table["name"][table["index"].notna() & (table["n_voxels"] == 0)]:
        yield f"{name} was not found."
    left, right = cm3["Left cerebellum"], cm3["Right cerebellum"]
    if abs(left - right) > MAX_ASYMMETRY * max(left + right, 1e-9) / 2:
        yield f"The halves differ much: {left:.0f} cm3 on the left, {right:.0f} cm3 on the right."
    share = cm3["White matter"] / max(total, 1e-9)
    if not WHITE_SHARE[0] <= share <= WHITE_SHARE[1]:
        low, high = (100 * limit for limit in WHITE_SHARE)
        yield f"White matter makes up {100 * share:.0f} % of the cerebellum; {low:.0f} to {high:.0f} % is usual."


def _edge_warnings(dseg: nib.Nifti1Image, t1w: nib.Nifti1Image) -> Iterator[str]:
    if at_field_edge(np.asarray(dseg.dataobj), t1w):
        yield "The cerebellum reaches the edge of the field of view: part of it may not have been imaged."


def check_cavity(icv: nib.Nifti1Image, t1w: nib.Nifti1Image) -> tuple[str, ...]:
    """Warnings about a mask of the intracranial cavity.

    Parameters
    ----------
    icv : Nifti1Image
        Mask.
    t1w : Nifti1Image
        The image it was found in, on the same grid. Its planes of nothing but 0 are no field of view.

    Returns
    -------
    tuple of str
        One sentence each.
    """
    inside = np.asarray(icv.dataobj) > 0
    return (*_cavity_volume_warnings(inside, icv.affine), *_cavity_edge_warnings(inside, t1w))


def _cavity_volume_warnings(inside: np.ndarray, affine: np.ndarray) -> Iterator[str]:
    cm3 = np.count_nonzero(inside) * abs(np.linalg.det(affine[:3, :3])) / 1000
    low, high = CAVITY_CM3
    if not low <= cm3 <= high:
        yield f"The intracranial cavity measures {cm3:.0f} cm3; {low:.0f} to {high:.0f} are usual: look at the figure."


def _cavity_edge_warnings(inside: np.ndarray, t1w: nib.Nifti1Image) -> Iterator[str]:
    for axis, end, area in faces(inside, t1w):
        if area > OPEN_CM2:
            side = _side(t1w.affine[:3, axis] * (1 if end else -1))
            yield (
                f"The intracranial cavity is cut off at the {side} end of the field of view ({area:.0f} cm2): "
                "its volume is too small, and percentages of it are too large: look at the figure."
            )


def _side(direction: np.ndarray) -> str:
    """Name of the anatomical direction that a vector of the world points to, more or less.

    Examples
    --------
    >>> _side(np.array([0.1, -0.9, 0.2]))
    'posterior'
    """
    axis = int(np.abs(direction).argmax())
    return (("left", "right"), ("posterior", "anterior"), ("inferior", "superior"))[axis][int(direction[axis] > 0)]
