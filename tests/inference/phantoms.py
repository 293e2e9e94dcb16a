"""Images and networks whose answers are known."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import apply_affine

TO_MNI = nib.affines.from_matvec(np.diag([1.05, 0.95, 1.0]) @ nib.eulerangles.euler2mat(0.1, -0.05, 0.15), [3, -6, 9])
"""World of a T1w image -> working space, mm."""


def left_handed(zooms: tuple[float, float, float], shape: tuple[int, ...], centre: np.ndarray) -> np.ndarray:
    """Oblique affine with a reversed and two swapped axes, about a world point."""
    turn = nib.eulerangles.euler2mat(0.3, -0.2, 0.1) @ np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]]) @ np.diag(zooms)
    if np.linalg.det(turn) > 0:
        turn = turn @ np.diag([-1, 1, 1])
    return nib.affines.from_matvec(turn, centre - turn @ ((np.array(shape) - 1) / 2))


def world_of(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """World coordinates (X, Y, Z, 3) of every voxel."""
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


class Bright(torch.nn.Module):
    """Calls the inside what is not much darker than the tissue in the middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inside = (x[:, :1] > -2.45).float()
        return 20 * torch.cat([-inside, inside - 1], 1)


class Constant(torch.nn.Module):
    """Always answers with these two logits."""

    def __init__(self, outside: float, inside: float) -> None:
        super().__init__()
        self.logits = torch.tensor([outside, inside])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits.reshape(1, 2, 1, 1, 1).expand(len(x), 2, *x.shape[2:])
