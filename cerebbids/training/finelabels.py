"""Lobule labels at 0.5 mm on people with manual labels: the factory's last and finest stage.

As in :mod:`cerebbids.training.factory` the lobule atlas is carried onto each person along T1w and manual outline. Here
the manual vermal groups take part, the person's mirror image is registered as well and both answers are averaged, and
the field is stiff enough not to fold. It is found at 1 mm, which its control points are far coarser than, and the atlas
is read through it at 0.5 mm. What the manual labels say is final, as there.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_t1w
from cerebbids.nets.displacement import doubled, jacobian_determinant
from cerebbids.systems.grid import CEREBELLUM_1MM
from cerebbids.training.atlas import Template, mirror, smooth
from cerebbids.training.deformable import Pair, register
from cerebbids.training.factory import CORTEX, VERMIS, WHITE, decide, manual_on_grid, scaled

STIFFNESS = 3.0
"""Of the field; at 2 a voxel of some two thousand folds in one person of twenty."""
GROUP_WEIGHT = 3.0
"""Of the vermal groups beside the outline."""
NEAR = 6
"""Voxels around the cerebellum where images count."""
REACH = 4
"""Steps around the manual labels where the atlas is read: nearly all that the smoothing sees that tells sides apart."""
FINE = CEREBELLUM_1MM.doubled()
_SWAP = {**dict(zip(CORTEX.values(), reversed(CORTEX.values()), strict=True)),
         **dict(zip(WHITE.values(), reversed(WHITE.values()), strict=True))}  # fmt: skip


@dataclass(frozen=True)
class FineLabels:
    """Labels of one person on the grid ``FINE``.

    ``lobules`` uint8 (channels 0..26); ``vermis`` bool: where the manual labels have it; ``folded``: share
    of cerebellum voxels at 1 mm where a registration folds, mean of both; ``smallest``: the smallest Jacobian
    determinant there.
    """

    lobules: np.ndarray
    vermis: np.ndarray
    folded: float
    smallest: float


def mirrored_manual(manual: np.ndarray) -> np.ndarray:
    """Manual labels of the mirror image, sides renamed; x is the first axis of a symmetric grid.

    Examples
    --------
    >>> mirrored_manual(np.array([39, 40, 71, 0]))
    array([ 0, 71, 41, 38])
    """
    table = np.arange(256)
    table[list(_SWAP)] = list(_SWAP.values())
    return np.ascontiguousarray(table[manual[::-1]].astype(manual.dtype))


def vermal_groups(atlas: np.ndarray) -> np.ndarray:
    """Share of each vermal group among the lobules (26, X, Y, Z) that may lie in any: (3, X, Y, Z)."""
    groups = np.stack(
        [atlas[[m + side for m in members for side in (0, N_SIDE)]].sum(0) for members in VERMIS.values()]
    )
    return groups / groups.sum(0).clip(1e-9)


def carry(t1w: np.ndarray, manual: np.ndarray, atlas: np.ndarray, template: Template) -> torch.Tensor:
    """Register template and atlas to a person; displacement (1, 3, X, Y, Z), voxels of 1 mm, pull-back.

    Parameters
    ----------
    t1w, manual : ndarray, (X, Y, Z)
        On ``CEREBELLUM_1MM``.
    atlas : ndarray, (26, X, Y, Z)
        From :func:`cerebbids.training.atlas.vote`.
    template : Template
    """
    grid, outline = CEREBELLUM_1MM, manual > 0
    t1w_template = resample(template_t1w(), grid.shape, grid.affine, order=1).get_fdata(dtype=np.float32)
    vermis = np.isin(manual, tuple(VERMIS))
    weights = np.stack([np.ones(grid.shape), *[GROUP_WEIGHT * vermis] * len(VERMIS)])

    def tensor(*volumes: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack(volumes).astype(np.float32))[None]

    pair = Pair(
        fixed_channels=tensor(smooth(outline, 1), *(smooth(manual == value, 1) for value in VERMIS)),
        moving_channels=tensor(smooth(template.cerebellum > 0.5, 1), *vermal_groups(atlas)),
        fixed_image=tensor(scaled(t1w, outline)),
        moving_image=tensor(scaled(t1w_template, template.cerebellum > 0.5)),
        region=tensor(ndimage.binary_dilation(outline, iterations=NEAR)),
        weights=tensor(*weights),
    )
    return register(pair, stiffness=STIFFNESS)


def fine_labels(
    t1w: nib.Nifti1Image, dseg: nib.Nifti1Image, t1w_to_mni: np.ndarray, atlas: np.ndarray, template: Template
) -> FineLabels:
    """Make the lobule labels of one person at 0.5 mm.

    Parameters
    ----------
    t1w, dseg : Nifti1Image
        Image and manual labels on one native grid.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> template world, mm.
    atlas : ndarray, (26, X, Y, Z)
        On ``CEREBELLUM_1MM``; exactly as voted, for the mirror image of the vote is the vote.
    template : Template
    """
    grid = CEREBELLUM_1MM
    manual = manual_on_grid(dseg, t1w_to_mni, grid)
    image = resample(t1w, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni)).get_fdata(dtype=np.float32)
    fields = [
        carry(image, manual, atlas, template),
        carry(np.ascontiguousarray(image[::-1]), mirrored_manual(manual), atlas, template),
    ]
    inside = (manual > 0, manual[::-1] > 0)
    growth = [jacobian_determinant(u)[0].numpy()[here] for u, here in zip(fields, inside, strict=True)]
    drawn = manual_on_grid(dseg, t1w_to_mni, FINE)
    near = ndimage.binary_dilation(drawn > 0, iterations=REACH)
    carried = (read_fine(atlas, fields[0], near) + mirror(read_fine(atlas, fields[1], near[::-1]))) / 2
    lobules = decide(carried, drawn)
    folded = float(np.mean([(j <= 0).mean() for j in growth]))
    return FineLabels(lobules, np.isin(drawn, tuple(VERMIS)), folded, float(min(j.min() for j in growth)))


def read_fine(atlas: np.ndarray, displacement: torch.Tensor, where: np.ndarray) -> np.ndarray:
    """Carry the atlas through a displacement and read it at 0.5 mm.

    Parameters
    ----------
    atlas : ndarray, (26, X, Y, Z)
    displacement : Tensor, (1, 3, X, Y, Z)
        Pull-back, voxels of the atlas.
    where : ndarray of bool, (2X, 2Y, 2Z)
        Voxels to read; the rest is 0.

    Returns
    -------
    ndarray, (26, 2X, 2Y, 2Z), float16
    """
    fine = torch.from_numpy(np.argwhere(where))
    field = doubled(displacement)[0].permute(1, 2, 3, 0)[tuple(fine.T)]
    places = (fine - 0.5 + field) / 2
    last = torch.tensor(atlas.shape[1:]) - 1
    points = (2 * places / last - 1).flip(-1).float()[None, None, None]
    source = torch.from_numpy(np.ascontiguousarray(atlas, np.float32))[None]
    read = F.grid_sample(source, points, align_corners=True, padding_mode="border")[0, :, 0, 0]
    carried = np.zeros((len(atlas), *where.shape), np.float16)
    carried[:, where] = read.numpy()
    return carried
