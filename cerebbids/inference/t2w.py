"""The T2w contrast of the cerebellum at 0.5 mm: of a real scan, or made from the T1w."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from cerebbids.imaging.resample import part_around, resample
from cerebbids.imaging.t2contrast import T2W_MEANS, Brightness, render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.fine import SPLINE_MM, applied
from cerebbids.systems.grid import Grid

T1_UNIT = 50.0
"""Brightness of a standard T1w image that the network calls 1."""
NEAR = 20.0
"""How near a voxel's T1w brightness is to a tissue's target where it is taken for pure."""


def synthetic_t2w(net: torch.nn.Module, t1w: np.ndarray, inside: np.ndarray, device: torch.device) -> np.ndarray:
    """Make the T2w contrast of a fine T1w crop.

    Parameters
    ----------
    net : Module
        T1w -> T1w of which :func:`cerebbids.imaging.t2contrast.render_t2w` makes the T2w, both in units of
        :func:`standardised`. The mapping looks at each voxel's own brightness only, and takes noise and blurred
        edges for tissue; the network has looked at the surroundings.
    t1w : ndarray, (X, Y, Z)
        Tissues at fixed brightness.
    inside : ndarray of bool, (X, Y, Z)
        Cavity or brain.
    device : torch.device

    Returns
    -------
    ndarray, (X, Y, Z), float32
        Tissues about :data:`cerebbids.imaging.t2contrast.T2W_MEANS`; 0 outside the mask, where bone would be as bright
        as fluid.
    """
    return np.where(inside, rendered(applied(net, standardised(t1w), device)), 0).astype(np.float32)


def standardised(t1w: np.ndarray) -> np.ndarray:
    """T1w brightness in the units of the network: grey matter 0, fluid -2, white matter 2."""
    return (t1w - TARGETS[1]) / T1_UNIT


def rendered(answer: Brightness) -> Brightness:
    """T2w brightness that the network's answer, ndarray or Tensor, stands for."""
    return render_t2w(TARGETS[1] + T1_UNIT * answer, TARGETS)


def real_t2w(
    t2w: nib.Nifti1Image, t2w_to_mni: np.ndarray, t1w: np.ndarray, inside: np.ndarray, grid: Grid
) -> np.ndarray:
    """Bring a registered T2w scan onto the box, its tissues to fixed brightness.

    The mapping is piecewise linear, through the medians of the voxels that are pure fluid, grey and white matter in
    the T1w, as that of the T1w itself (:func:`cerebbids.imaging.tissuemeans.scale_to_means`).

    Parameters
    ----------
    t2w : Nifti1Image
        Clean T2w scan.
    t2w_to_mni : ndarray, (4, 4)
        T2w world -> working space, mm.
    t1w, inside : ndarray, (X, Y, Z)
        As in :func:`synthetic_t2w`.
    grid : Grid
        The box at 0.5 mm.

    Raises
    ------
    ValueError
        Fluid is not brighter than grey, and grey than white matter: the scan is not T2w.
    """
    part = part_around(t2w, grid, t2w_to_mni, SPLINE_MM)
    placed = resample(part, grid.shape, grid.affine, np.linalg.inv(t2w_to_mni), order=3).get_fdata(dtype=np.float32)
    placed = placed.clip(0)
    even = ndimage.gaussian_gradient_magnitude(t1w, 1.0) < NEAR
    pure = [inside & even & (np.abs(t1w - target) < NEAR) & (placed > 0) for target in TARGETS]
    csf, gm, wm = (float(np.median(placed[tissue])) for tissue in pure)
    if not 0 < wm < gm < csf:
        raise ValueError(f"fluid, grey and white matter at {csf:.0f}, {gm:.0f} and {wm:.0f}")
    knots, heights = (0.0, wm, gm, csf), (0.0, *T2W_MEANS[::-1])
    beyond = (placed - csf).clip(0) * (heights[3] - heights[2]) / (csf - gm)
    return (np.interp(placed, knots, heights) + beyond).astype(np.float32)
