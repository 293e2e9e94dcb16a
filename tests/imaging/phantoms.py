"""Volumes whose every part is somewhere else than its mirror image."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from scipy import ndimage


def blobs(shape: tuple[int, int, int], affine: np.ndarray, seed: int = 0) -> nib.Nifti1Image:
    """Smooth random float32 volume, 0 at its border."""
    noise = np.random.default_rng(seed).random(shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    smooth *= np.pad(np.ones(np.array(shape) - 6), 3)
    return nib.Nifti1Image(smooth.astype(np.float32), affine)


def oblique(zooms: tuple[float, float, float], origin: tuple[float, float, float]) -> np.ndarray:
    """Affine with turned, flipped axes."""
    turn = nib.eulerangles.euler2mat(0.4, -0.3, 0.2)
    return nib.affines.from_matvec(turn @ np.diag(zooms) @ np.diag([-1, 1, 1]), origin)
