"""Displacement fields: how one volume is pulled onto another.

Displacements are in voxels of the grid they are given on and pull back: ``warped(x) = moving(x + u(x))``, components
along D, H, W.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

SQUARINGS = 4
"""How often a velocity's small step is doubled."""


def identity_grid(shape: tuple[int, ...]) -> torch.Tensor:
    """Sampling grid (1, D, H, W, 3) of ``grid_sample`` with ``align_corners=True`` that moves nothing."""
    axes = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in shape], indexing="ij")
    return torch.stack(axes[::-1], -1)[None]


def warp(moving: torch.Tensor, displacement: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """Pull ``moving`` back through a displacement; outside is the nearest edge voxel.

    Parameters
    ----------
    moving : Tensor, (N, C, D, H, W)
    displacement : Tensor, (N, 3, D, H, W)
    mode : str
        ``bilinear`` (linear along every axis) or ``nearest``.

    Examples
    --------
    >>> line = torch.arange(4.0).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 2, 2)
    >>> shift = torch.zeros(1, 3, 4, 2, 2)
    >>> shift[:, 0] = 1
    >>> warp(line, shift)[0, 0, :, 0, 0]
    tensor([1., 2., 3., 3.])
    """
    shape = displacement.shape[2:]
    scale = torch.tensor([2 / (n - 1) for n in shape]).flip(0).to(displacement)
    grid = identity_grid(shape).to(displacement) + displacement.flip(1).permute(0, 2, 3, 4, 1) * scale
    return F.grid_sample(moving, grid, mode=mode, align_corners=True, padding_mode="border")


def after(first: torch.Tensor, then: torch.Tensor) -> torch.Tensor:
    """One displacement in place of two: ``warp(m, after(a, b))`` is ``warp(warp(m, a), b)``.

    Examples
    --------
    >>> shift = torch.full((1, 3, 4, 4, 4), 0.5)
    >>> torch.equal(after(shift, shift), 2 * shift)
    True
    """
    return then + warp(first, then)


def integrate(velocity: torch.Tensor) -> torch.Tensor:
    """Follow a stationary velocity for one unit of time by scaling and squaring (Arsigny et al. 2006).

    Parameters
    ----------
    velocity : Tensor, (N, 3, D, H, W)
        Voxels of its own grid.

    Returns
    -------
    Tensor, (N, 3, D, H, W)
        Displacement; that of ``-velocity`` is its inverse.

    Examples
    --------
    >>> shift = torch.full((1, 3, 6, 6, 6), 0.5)
    >>> torch.allclose(integrate(shift), shift)
    True
    """
    displacement = velocity / 2**SQUARINGS
    for _ in range(SQUARINGS):
        displacement = after(displacement, displacement)
    return displacement


def doubled(displacement: torch.Tensor) -> torch.Tensor:
    """Bring a displacement to voxels half as large, of which two lie in each of its own along every axis.

    Parameters
    ----------
    displacement : Tensor, (N, 3, D, H, W)

    Returns
    -------
    Tensor, (N, 3, 2D, 2H, 2W)
        In the smaller voxels.

    Examples
    --------
    >>> doubled(torch.ones(1, 3, 2, 2, 2))[0, 0, 0, 0]
    tensor([2., 2., 2., 2.])
    """
    return 2 * F.interpolate(displacement, scale_factor=2, mode="trilinear", align_corners=False)


def jacobian_determinant(displacement: torch.Tensor) -> torch.Tensor:
    """Local volume change of ``x -> x + u(x)``, (N, D, H, W); not positive where the field folds.

    Parameters
    ----------
    displacement : Tensor, (N, 3, D, H, W)

    Examples
    --------
    >>> float(jacobian_determinant(torch.zeros(1, 3, 4, 4, 4)).min())
    1.0
    """
    slopes = torch.stack(torch.gradient(displacement, dim=(2, 3, 4)), 2)  # (N, 3 of u, 3 of x, D, H, W)
    matrix = slopes.permute(0, 3, 4, 5, 1, 2) + torch.eye(3).to(displacement)
    return torch.linalg.det(matrix)
