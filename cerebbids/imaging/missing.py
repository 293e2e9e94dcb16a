"""Values that are missing where it matters."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.errors import BadImage
from cerebbids.imaging.pyramid import Level
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.template import template_brain_mask, template_cerebellum

MAX_MISSING = 0.05
"""Share of a region that may have no value."""

DEPTH_MM = 5.0
"""How far below the surface of the template a region begins, as some programs write NaN around a stripped brain."""


def check_missing(path: Path, t1w_to_mni: np.ndarray) -> None:
    """Refuse an image with too much NaN or infinity inside the brain or the cerebellum.

    Parameters
    ----------
    path : Path
        The T1w image as the dataset has it.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm; a rough one will do.

    Raises
    ------
    BadImage
        More than a twentieth of either has no value, or the file cannot be read.
    """
    image = open_image(path)
    if image.get_data_dtype().kind != "f":  # integers always have a value
        return
    missing = ~np.isfinite(read_voxels(path, image))
    if not missing.any():
        return
    mni_to_voxel = np.linalg.inv(t1w_to_mni @ image.affine)
    for name, mask in (("brain", template_brain_mask()), ("cerebellum", template_cerebellum())):
        share = _share(missing, apply_affine(mni_to_voxel, _core(mask)))
        if share > MAX_MISSING:
            reason = f"has NaN or infinity in {share:.0%} of the {name}"
            raise BadImage(str(path), reason, "convert it again, or repair what wrote it")


def _core(mask: nib.Nifti1Image) -> np.ndarray:
    """World points (n, 3), every 2 mm, well inside a template's mask."""
    grid = Level(np.asarray(mask.dataobj) > 0, mask.affine, np.zeros(3)).thinned(2)
    deep = ndimage.distance_transform_edt(grid.data, sampling=grid.voxel) > DEPTH_MM
    return apply_affine(grid.affine, np.argwhere(deep))


def _share(flags: np.ndarray, voxels: np.ndarray) -> float:
    """Share of the places (n, 3), as far as they are in the field of view, whose voxel is flagged."""
    nearest = np.rint(voxels).astype(int)
    inside = ((nearest >= 0) & (nearest < flags.shape)).all(axis=1)
    return float(flags[tuple(nearest[inside].T)].mean()) if inside.any() else 0.0
