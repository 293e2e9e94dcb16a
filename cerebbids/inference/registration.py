"""Library members onto an image: what the registration network answers, taken further on each pair itself.

A network that has learnt from few people leaves some misfit on a pair it has never seen. No labels of the image are
needed to see that misfit, so some steps of gradient descent on the pair take most of it away ("instance-specific
optimization" of Balakrishnan et al. 2019), for a fraction of what registration from the start costs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from cerebbids.inference.device import ask
from cerebbids.nets.displacement import warp
from cerebbids.nets.similarity import local_correlation, roughness

STEPS = 20
"""Of gradient descent, for each pair."""
RATE = 0.15
"""Of Adam, in voxels of the half grid."""
SPACING = 2
"""Voxels of the half grid from one control point of the change to the next."""
STIFFNESS = 1.0
"""Weight of the roughness of the changed displacement, as its control points see it."""
WINDOW = 5
"""Voxels of the half grid along each side of the cubes in which brightness has to agree."""
NEAR = 2
"""Voxels of the half grid around the cerebellum where images count, too."""


def half_displacements(
    net: torch.nn.Module, image: torch.Tensor, moving: torch.Tensor, outlines: torch.Tensor
) -> torch.Tensor:
    """Displacements that pull members onto an image.

    Parameters
    ----------
    net : Module
        :class:`cerebbids.nets.deform.DeformNet`.
    image : Tensor, (X, Y, Z)
        Standardised brightness.
    moving : Tensor, (M, 1, X, Y, Z)
        Members, likewise.
    outlines : Tensor, (M, 1, X, Y, Z)
        Above 0.5 in their cerebella, at most that elsewhere; labels will do.

    Returns
    -------
    Tensor, (M, 3, X / 2, Y / 2, Z / 2), float32
        Pull-back, in voxels of the half grid; :func:`cerebbids.nets.displacement.doubled` brings them to the image's.
    """
    fixed = image.expand_as(moving)
    found = answers(net, fixed, moving)
    return refined(found, *(F.avg_pool3d(volumes, 2) for volumes in (fixed, moving, (outlines > 0.5).float())))


@torch.no_grad()
def answers(net: torch.nn.Module, fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
    """Displacements of the network alone, for volumes (M, 1, X, Y, Z); as :func:`half_displacements` gives them."""
    pairs = torch.cat([fixed, moving], 1).contiguous(memory_format=torch.channels_last_3d)
    return ask(lambda seen: net(seen)[-1], pairs)


@torch.inference_mode(False)
@torch.enable_grad()
def refined(start: torch.Tensor, fixed: torch.Tensor, moving: torch.Tensor, outlines: torch.Tensor) -> torch.Tensor:
    """Change displacements until brightness agrees better around the moved outlines.

    Parameters
    ----------
    start : Tensor, (M, 3, D, H, W)
        Pull-back, voxels.
    fixed, moving, outlines : Tensor, (M, 1, D, H, W)
        On its grid.

    Returns
    -------
    Tensor, (M, 3, D, H, W)
    """
    start, fixed, moving, outlines = (volumes.detach().clone() for volumes in (start, fixed, moving, outlines))
    near = F.max_pool3d((warp(outlines, start) > 0.5).float(), 2 * NEAR + 1, 1, NEAR)
    coarse = F.avg_pool3d(start, SPACING)
    change = torch.zeros_like(coarse, requires_grad=True)

    def changed() -> torch.Tensor:
        return start + F.interpolate(change, scale_factor=SPACING, mode="trilinear", align_corners=False)

    optimiser = torch.optim.Adam([change], lr=RATE)
    for _ in range(STEPS):
        alike = local_correlation(fixed, warp(moving, changed()), WINDOW, near)
        loss = STIFFNESS * roughness(coarse + change, SPACING) - alike
        optimiser.zero_grad()
        (len(start) * loss).backward()  # whatever a pair is worked on together with, its steps are the same
        optimiser.step()
    return changed().detach()
