"""Overlap and surface distances of a tissue, as Zeng & Zheng 2018 report them; computed by MONAI."""

from __future__ import annotations

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance

PERCENTILE = 95.0
"""Of the Hausdorff distance: the text's "modified" one is not defined there, nor are its values those of a mean."""


def tissue_scores(found: np.ndarray, truth: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, float]:
    """Compare a tissue with the true one.

    Parameters
    ----------
    found, truth : ndarray of bool, (X, Y, Z)
    spacing : tuple of float
        Edges of a voxel, mm.

    Returns
    -------
    dict
        ``dice``, 0 to 1; ``asd``, the mean distance of the surfaces from each other, both ways, mm; ``mhd``, the 95th
        percentile of these distances, the larger of both ways, mm. All are missing (NaN) where the tissue is in neither
        mask, and distances where it is in one.

    Examples
    --------
    >>> truth = np.zeros((8, 8, 8), bool)
    >>> truth[2:6, 2:6, 2:6] = True
    >>> tissue_scores(truth, truth, (1, 1, 1))
    {'dice': 1.0, 'asd': 0.0, 'mhd': 0.0}
    """
    a, b = (torch.from_numpy(np.ascontiguousarray(mask))[None, None].float() for mask in (found, truth))
    told = {"dice": float(compute_dice(a, b, include_background=True, ignore_empty=True))}
    if not (found.any() and truth.any()):
        return {**told, "asd": np.nan, "mhd": np.nan}
    asd = compute_average_surface_distance(a, b, include_background=True, symmetric=True, spacing=list(spacing))
    mhd = compute_hausdorff_distance(a, b, include_background=True, percentile=PERCENTILE, spacing=list(spacing))
    return {**told, "asd": float(asd), "mhd": float(mhd)}
