"""A lopsided infant's head in T1w and T2w, whose grey and white matter have the order of neonates."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from nibabel.affines import from_matvec
from scipy import ndimage

from cerebbids.imaging.resample import resample

SIDE = 96
FLUID, GREY, WHITE = 1, 2, 3
CEREBRUM, CEREBELLUM, BRAINSTEM = 1, 2, 3


def tissues() -> tuple[np.ndarray, np.ndarray]:
    """Tissues, and parts as a network for places tells them, of 1 mm, to the right, front and top."""
    x, y, z = np.indices((SIDE,) * 3) - SIDE / 2
    rng = np.random.default_rng(3)
    waves = ndimage.gaussian_filter(rng.standard_normal((SIDE,) * 3), 4)
    waves /= waves.std()
    bend = 0.12 * waves
    cerebrum = ((x + 3) / 33) ** 2 + (y / 38) ** 2 + ((z - 10) / 25) ** 2 + bend < 1
    cerebellum = (x / 21) ** 2 + ((y + 21) / 13) ** 2 + ((z + 24) / 11) ** 2 < 1
    brainstem = (x / 6) ** 2 + ((y - 2) / 6) ** 2 + ((z + 23) / 14) ** 2 < 1
    parts = np.zeros((SIDE,) * 3, np.uint8)
    parts[brainstem], parts[cerebellum], parts[cerebrum] = BRAINSTEM, CEREBELLUM, CEREBRUM
    labels = np.where(parts > 0, GREY, 0).astype(np.uint8)
    deep = ndimage.distance_transform_edt(parts > 0)
    labels[deep > 6 + 2 * waves] = WHITE
    around = ndimage.distance_transform_edt(parts == 0)
    labels[(around > 0) & (around < 3)] = FLUID
    labels[((x - 9) / 5) ** 2 + (y / 11) ** 2 + ((z - 10) / 6) ** 2 < 1] = FLUID  # one ventricle alone
    return labels, parts


def pair_of(motion: np.ndarray, *, stripped: bool = False) -> tuple[nib.Nifti1Image, nib.Nifti1Image, np.ndarray]:
    """T1w, T2w in a world moved from that of the T1w by a rigid motion (RAS mm), and the parts on the T1w's grid."""
    labels, parts = tissues()
    affine = from_matvec(np.eye(3), [-SIDE / 2 + 4, -SIDE / 2 - 8, -SIDE / 2 + 11])
    scalp = (ndimage.distance_transform_edt(labels == 0) > 5) & (ndimage.distance_transform_edt(labels == 0) < 9)
    rng = np.random.default_rng(5)
    images = []
    for shades, fat in (((90, 400, 330, 0), 500), ((900, 300, 480, 0), 250)):
        data = np.array([0, *shades[:3]], np.float32)[labels]
        data[scalp & (not stripped)] = fat
        noisy = ndimage.gaussian_filter(data, 0.6) + rng.normal(0, 6, data.shape)
        seen = labels > 0 if stripped else np.ones(labels.shape, bool)
        images.append(nib.Nifti1Image(np.where(seen, noisy, 0).clip(0).astype(np.float32), affine))
    t1w, still = images
    shape, coarse = (70, 70, 58), motion @ affine @ np.diag([1.4, 1.4, 1.7, 1])
    t2w = resample(still, shape, coarse, np.linalg.inv(motion))
    return t1w, t2w, parts
