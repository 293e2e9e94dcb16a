"""Random variation of one training image: whose head, which side, shape, scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms import (
    CenterSpatialCrop,
    Compose,
    RandAdjustContrast,
    RandAffineGrid,
    RandBiasField,
    RandDeformGrid,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandRicianNoise,
    RandSimulateLowResolution,
    Resample,
)

from cerebbids.inference.inputs import network_input
from cerebbids.training.surroundings import Surroundings, embed

CONTROL_SPACING = 16
"""Voxels between the control points of the elastic deformation."""


@dataclass(frozen=True)
class Case:
    """One labelled person: ``t1w`` (X, Y, Z) float32 with white matter near 1, ``labels`` uint8 channels 0..26."""

    id: str
    t1w: np.ndarray
    labels: np.ndarray


def spatial(image: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One random affine and elastic deformation of image (linear) and labels (nearest), each (1, X, Y, Z)."""
    bend = RandDeformGrid(spacing=CONTROL_SPACING, magnitude_range=(0.0, 2.5))
    place = RandAffineGrid(
        rotate_range=(0.16, 0.1, 0.1), shear_range=(0.04,) * 6, translate_range=(4.0,) * 3, scale_range=(0.12,) * 3
    )
    for transform in (bend, place):
        transform.set_random_state(seed)
    control = place(grid=bend(image.shape[1:]))
    dense = F.interpolate(control[None], scale_factor=CONTROL_SPACING, mode="trilinear", align_corners=False)[0]
    dense = CenterSpatialCrop(image.shape[1:])(dense)
    resample = Resample(padding_mode="zeros", align_corners=True)
    return resample(image, dense, mode="bilinear"), resample(labels, dense, mode="nearest")


def scanner() -> Compose:
    """Random intensity changes: bias field, contrast, noise, blur and low resolution."""
    return Compose(
        [
            RandGaussianSmooth(sigma_x=(0.3, 0.9), sigma_y=(0.3, 0.9), sigma_z=(0.3, 0.9), prob=0.25),
            # By default it takes each corner's voxel for the whole, which shifts the image by up to a voxel.
            RandSimulateLowResolution(prob=0.2, zoom_range=(0.6, 1.0), downsample_mode="trilinear"),
            RandAdjustContrast(prob=0.6, gamma=(0.7, 1.5)),
            RandBiasField(prob=0.5, degree=3, coeff_range=(-0.12, 0.12)),
            RandGaussianNoise(prob=0.4, std=0.06),
            RandRicianNoise(prob=0.3, std=0.06),
        ]
    )


def augment(
    case: Case, around: tuple[Surroundings, ...], mirror: tuple[int, ...], seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one training example.

    Parameters
    ----------
    case : Case
        On a grid that is symmetric about x = 0.
    around : tuple of Surroundings
        Heads to set the brain into; half of the examples stay stripped.
    mirror : tuple of int
        Channel that each channel becomes when left and right are swapped.
    seed : int
        The same seed gives the same example.

    Returns
    -------
    input : Tensor, (channels, X, Y, Z), float32
    labels : Tensor, (1, X, Y, Z), int64
    """
    rng = np.random.default_rng(seed)
    t1w, labels = case.t1w, case.labels
    if around and rng.random() < 0.5:
        head = around[rng.integers(len(around))]
        t1w = embed(t1w, head, rng)
    if rng.random() < 0.5:
        t1w, labels = t1w[::-1], np.array(mirror, np.uint8)[labels[::-1]]
    image = torch.from_numpy(np.ascontiguousarray(t1w, np.float32))[None]
    target = torch.from_numpy(np.ascontiguousarray(labels, np.float32))[None]
    image, target = spatial(image, target, int(rng.integers(2**31)))
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    image = torch.as_tensor(change(image)).clamp(min=0)
    return network_input(image[0]), torch.as_tensor(target).long()
