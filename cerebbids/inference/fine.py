"""The cerebellum at 0.5 mm: cropped first, then super-resolved, or resampled where the scan is as fine."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch

from cerebbids.imaging.resample import part_around, resample
from cerebbids.inference.device import ask
from cerebbids.systems.grid import Grid

FINE_MM = 0.6
"""Voxels up to this size keep their own detail."""

SPLINE_MM = 12.0
"""How far beyond the box voxels still tell in a cubic spline."""


def is_fine(t1w: nib.Nifti1Image) -> bool:
    """Whether a scan is about as fine as the network would make it.

    Examples
    --------
    >>> is_fine(nib.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.diag([0.5, 0.5, 0.6, 1])))
    True
    """
    return bool(np.linalg.norm(t1w.affine[:3, :3], axis=0).max() <= FINE_MM + 1e-3)


def z_scores(image: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of an image inside a mask of its shape."""
    values = image[inside]
    return float(values.mean()), float(values.std())


def fine_t1w(
    net: torch.nn.Module,
    grid: Grid,
    t1w: nib.Nifti1Image,
    inside: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """Bring the cerebellum of a standard T1w image onto its box with voxels half as large as those of ``grid``.

    Parameters
    ----------
    net : Module
        Doubles the resolution.
    grid : Grid
        The box with 1 mm voxels, in the working space.
    t1w : Nifti1Image
        Tissues at fixed brightness.
    inside : Nifti1Image
        Cavity or brain, on the same grid.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    device : torch.device

    Returns
    -------
    ndarray, (2X, 2Y, 2Z), float32
        Not negative; 0 where the scan does not reach.
    """
    to_t1w = np.linalg.inv(t1w_to_mni)
    t1w = part_around(t1w, grid, t1w_to_mni, SPLINE_MM)
    if is_fine(t1w):
        fine = grid.doubled()
        return resample(t1w, fine.shape, fine.affine, to_t1w, order=3).get_fdata(dtype=np.float32).clip(0)
    coarse = resample(t1w, grid.shape, grid.affine, to_t1w, order=3).get_fdata(dtype=np.float32).clip(0)
    mask = resample(inside, grid.shape, grid.affine, to_t1w, order=0).get_fdata() > 0
    mean, spread = z_scores(coarse, mask)
    return (mean + spread * applied(net, (coarse - mean) / spread, device)).clip(0)


@torch.inference_mode()
def applied(net: torch.nn.Module, volume: np.ndarray, device: torch.device) -> np.ndarray:
    """Apply a network of one channel in and out to a volume (X, Y, Z), float32."""
    batch = torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None, None].to(device)
    return ask(net, batch.contiguous(memory_format=torch.channels_last_3d))[0, 0].cpu().numpy()
