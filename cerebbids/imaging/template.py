"""The working space and the template images that the dependencies carry: nothing is downloaded."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.systems.space import SPACE


def _packaged(package: str, *parts: str) -> Path:
    """Path of a file inside an installed package, found without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} carries the {SPACE} template; install it")
    return Path(spec.origin).parent.joinpath(*parts)


def _load(path: Path) -> nib.Nifti1Image:
    image = nib.load(path)
    return nib.Nifti1Image(np.asarray(image.dataobj, dtype=np.float32), image.affine)


def _icbm152(tissue: str) -> nib.Nifti1Image:
    name = f"mni_icbm152_{tissue}_tal_nlin_sym_09a_converted.nii.gz"
    image = _load(_packaged("nilearn", "datasets", "data", name))
    return nib.Nifti1Image(image.get_fdata(dtype=np.float32) / 255, image.affine)


@cache
def template_t1w() -> nib.Nifti1Image:
    """T1w average of the brain alone, 0 to 1, in the working space.

    Examples
    --------
    >>> template_t1w().shape
    (197, 233, 189)
    """
    return _icbm152("t1")


@cache
def template_tissues() -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Probabilities (0 to 1) of grey and of white matter in the working space."""
    return _icbm152("gm"), _icbm152("wm")


@cache
def template_brain_mask() -> nib.Nifti1Image:
    """Where the template has brain, uint8 0 or 1, in the working space."""
    t1w = template_t1w()
    mask = (np.asarray(t1w.dataobj) > 0.05).astype(np.uint8)
    return nib.Nifti1Image(mask, t1w.affine)


@cache
def template_cerebellum() -> nib.Nifti1Image:
    """Where the template has cerebellum and brainstem, uint8 0 or 1, on a grid of its own.

    From SUITPy's cerebellum of MNI152NLin2009cSym, which agrees with the working space within a voxel.
    """
    image = _load(_packaged("SUITPy", "templates", "tpl-MNI152NLin2009cSymC_T1w.nii.gz"))
    mask = np.asarray(image.dataobj) > 30
    _, y, z = nib.affines.apply_affine(image.affine, np.moveaxis(np.indices(mask.shape), 0, -1)).T
    above = z > -4 - np.maximum(y + 44, 0)  # the file goes on into the thalamus
    return nib.Nifti1Image((mask & ~above.T).astype(np.uint8), image.affine)


@cache
def whole_head_template() -> nib.Nifti1Image:
    """T1w average of the whole head with the neck's beginning, in MNI152NLin6Asym, at 1 mm.

    Within a few millimetres of the working space: good to bring a full head near it, not more.
    """
    return _load(_packaged("SUITPy", "templates", "tpl-MNI152NLin6Asym_T1w.nii.gz"))


def suit_surface(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (mm; 3 a row) and triangles (vertices' numbers; 3 a row) of a cerebellar surface of SUITPy.

    Parameters
    ----------
    name : str
        ``FLAT``, the flat map; ``WHITE_MNISymC`` or ``PIAL_MNISymC``, the same vertices near the working space.

    Examples
    --------
    >>> vertices, triangles = suit_surface("FLAT")
    >>> vertices.shape, triangles.shape
    ((28935, 3), (56588, 3))
    """
    vertices, triangles = nib.load(_packaged("SUITPy", "surfaces", f"{name}.surf.gii")).agg_data()
    return vertices, triangles
