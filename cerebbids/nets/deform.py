"""Deformable registration in a few looks: two volumes to a smooth displacement from one to the other.

After VoxelMorph (Balakrishnan et al. 2019; Dalca et al. 2019): a U-Net answers with a velocity, whose integral is the
displacement. Two things let it learn from few pairs: it is told which way each voxel's brightness pulls (the forces of
Thirion's demons, at three resolutions), and it looks again at what its answer has left over (Zhao et al. 2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cerebbids.nets.displacement import after, doubled, integrate, warp
from cerebbids.nets.strides import decompose
from cerebbids.nets.unet import UNet

SCALE = 4.0
"""Voxels of velocity that the U-Net's answer of 1 means."""
CHANNELS = 2 * 8 + 3 * 3
"""What the U-Net sees: both volumes in strides, and three forces."""
STEADY = 0.01
"""Keeps forces finite where there is neither an edge nor a difference."""


def slopes(volume: torch.Tensor) -> torch.Tensor:
    """Central differences (N, 3, D, H, W) of (N, 1, D, H, W), a voxel; 0 in the outermost planes."""
    found = torch.zeros(len(volume), 3, *volume.shape[2:], dtype=volume.dtype, device=volume.device)
    for axis in range(3):
        n = volume.shape[axis + 2]
        difference = volume.narrow(axis + 2, 2, n - 2) - volume.narrow(axis + 2, 0, n - 2)
        found[:, axis].narrow(axis + 1, 1, n - 2).copy_(difference[:, 0] / 2)
    return found


def force(fixed: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """Displacement in voxels, at most one, that would make each voxel alike (Thirion 1998; Wang 2005).

    Parameters
    ----------
    fixed, moved : Tensor, (N, 1, D, H, W)

    Returns
    -------
    Tensor, (N, 3, D, H, W)

    Examples
    --------
    >>> ramp = torch.arange(6.0).reshape(1, 1, 6, 1, 1).expand(1, 1, 6, 3, 3)
    >>> force(ramp + 0.5, ramp)[0, :, 2, 1, 1]  # half a voxel further along D
    tensor([0.7937, 0.0000, 0.0000])
    """
    edges = (slopes(fixed) + slopes(moved)) / 2
    difference = fixed - moved
    return 2 * difference * edges / ((edges**2).sum(1, keepdim=True) + difference**2 + STEADY)


class DeformNet(nn.Module):
    """Displacement from a pair of volumes.

    An untrained network moves next to nothing.

    Parameters
    ----------
    widths : tuple of int
        Feature channels of the U-Net, whose finest level has half the volumes' resolution.
    passes : int
        How often it looks.

    Examples
    --------
    >>> pair = torch.rand(1, 2, 16, 16, 24)  # fixed, moving
    >>> DeformNet((8, 16), 3)(pair).shape
    torch.Size([3, 1, 3, 8, 8, 12])
    """

    def __init__(self, widths: tuple[int, ...], passes: int) -> None:
        super().__init__()
        self.passes = passes
        self.unet = UNet(CHANNELS, 3, widths)
        nn.init.normal_(self.unet.head.weight, 0, 1e-3)
        nn.init.zeros_(self.unet.head.bias)

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        """Find the displacement that pulls the second volume onto the first.

        Parameters
        ----------
        pair : Tensor, (N, 2, 2D, 2H, 2W)
            Fixed and moving volume.

        Returns
        -------
        Tensor, (passes, N, 3, D, H, W), float32
            The displacement after each pass, in voxels of the half grid (:func:`cerebbids.nets.displacement.doubled`
            brings it to that of the volumes). Each carries a gradient to its own pass only.
        """
        fixed, moving = pair.float().split(1, 1)
        found: list[torch.Tensor] = []
        for _ in range(self.passes):
            moved = warp(moving, doubled(found[-1].detach())) if found else moving
            velocity = SCALE * self.unet(evidence(fixed, moved)).float()
            found.append(after(found[-1].detach(), integrate(velocity)) if found else integrate(velocity))
        return torch.stack(found)


def evidence(fixed: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """What the U-Net is shown of two volumes (N, 1, 2D, 2H, 2W): (N, ``CHANNELS``, D, H, W), channels last."""
    with torch.no_grad():
        halves = F.avg_pool3d(fixed, 2), F.avg_pool3d(moved, 2)
        quarters = (F.avg_pool3d(half, 2) for half in halves)
        forces = F.avg_pool3d(force(fixed, moved), 2) / 2, force(*halves), doubled(force(*quarters))
        shown = [decompose(fixed), decompose(moved), *(2 * pull for pull in forces)]
        return torch.cat(shown, 1).contiguous(memory_format=torch.channels_last_3d)
