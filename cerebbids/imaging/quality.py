"""What should make a reader look twice at a segmentation."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.faces import touches_face
from cerebbids.imaging.volumetry import lobule_volumes

TOTAL_CM3 = (95.0, 200.0)
"""Volumes of adult cerebella."""
WHITE_SHARE = (0.10, 0.35)
MAX_ASYMMETRY = 0.12
"""Largest |L - R| / ((L + R) / 2) of the two halves that is still usual."""


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
    return (*_volume_warnings(dseg), *_edge_warnings(dseg))


def _volume_warnings(dseg: nib.Nifti1Image) -> Iterator[str]:
    table = lobule_volumes(dseg, load_scheme("Lobules"))
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


def _edge_warnings(dseg: nib.Nifti1Image) -> Iterator[str]:
    if touches_face(np.asarray(dseg.dataobj)):
        yield "The cerebellum reaches the edge of the field of view: part of it may not have been imaged."
