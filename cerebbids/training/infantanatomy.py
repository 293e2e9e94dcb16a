"""Heads of infants on any grid: maps of brains, deformed, in a skull and scalp made up.

The maps of the kit end at the brain's surface. What lies around is made of the distance from it: fluid, bone, fat and
muscle of random thickness, with eyes, a face and a neck of simple shapes. Nothing in them has to be right beyond that
a network must not take it for brain.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.training.infantmaps import QUARTER, HeadMap, Tissue
from cerebbids.training.surroundings import patches

LATTICE = 6
"""Voxels between the points at which a deformation is computed; linear between them."""
CONTROLS, REACH_MM = 9, 130.0
"""Control points of the elastic deformation along each axis, and how far from the centre they reach."""
LOCAL_MM = 45.0
"""Standard deviation of the Gaussian within which the cerebellum is larger or smaller than the map's."""
LOW = 0.45
"""Height in the brain's box below which face, eyes and neck lie."""
_LAYERS = np.array([Tissue.FLUID, Tissue.BONE, Tissue.FAT, Tissue.MUSCLE, Tissue.AIR], np.uint8)
"""From the brain outwards."""


@dataclass(frozen=True)
class Pose:
    """How a head lies in the world, and what its shape is beside its map's.

    Parameters
    ----------
    matrix, offset : ndarray, (3, 3) and (3,)
        World, mm -> voxel of the map, before the deformation.
    controls : ndarray, (3, N, N, N)
        Elastic displacement around the brain's middle, mm.
    local : float
        Size of the cerebellum beside that of the map, along each axis.
    """

    matrix: np.ndarray
    offset: np.ndarray
    controls: np.ndarray
    local: float


def draw_pose(
    head: HeadMap, size: float, rng: np.random.Generator, around: np.ndarray, spread: tuple[float, ...]
) -> Pose:
    """Turn a head by up to 25 degrees about each axis, scale it by up to 15 %, shear and bend it a little.

    Parameters
    ----------
    head : HeadMap
    size : float
        Mean size along each axis beside the map's.
    rng : numpy.random.Generator
    around : ndarray, (3,)
        Voxel of the map that comes to lie near the world's origin.
    spread : tuple of float
        How far from it, at most, along x, y and z, mm.
    """
    turn = nib.eulerangles.euler2mat(*rng.uniform(-1, 1, 3) * np.radians(25))
    stretch = size * rng.uniform(0.85, 1.15) * (np.eye(3) + rng.normal(0, 0.025, (3, 3)))
    matrix = np.linalg.inv(turn @ stretch)
    bent = rng.normal(0, rng.uniform(0, 3.0), (3, *[CONTROLS] * 3))
    return Pose(matrix, around - matrix @ rng.uniform(-1, 1, 3) * spread, bent, rng.uniform(0.82, 1.1))


def to_map(head: HeadMap, pose: Pose, affine: np.ndarray, shape: tuple[int, ...]) -> torch.Tensor:
    """Voxel of the map, (3, X, Y, Z) float32, at every voxel of a grid."""
    lattice = [np.linspace(0, n - 1, -(-n // LATTICE) + 1) for n in shape]
    points = np.stack(np.meshgrid(*lattice, indexing="ij")).reshape(3, -1)
    found = pose.matrix @ (affine[:3, :3] @ points + affine[:3, 3:]) + pose.offset[:, None]
    place = ((found - head.centre[:, None]) / REACH_MM + 1) / 2 * (CONTROLS - 1)
    found = found + np.stack([ndimage.map_coordinates(part, place, order=3, mode="nearest") for part in pose.controls])
    away = found - head.cerebellum[:, None]
    near = np.exp(-0.5 * (away**2).sum(0) / LOCAL_MM**2)
    found = found + (1 / pose.local - 1) * near * away
    coarse = torch.from_numpy(found.reshape(3, *map(len, lattice)).astype(np.float32))[None]
    return F.interpolate(coarse, tuple(shape), mode="trilinear", align_corners=True)[0]


def nearest_voxels(head: HeadMap, place: torch.Tensor) -> np.ndarray:
    """Flat indices (X, Y, Z) of the voxels of a map that are nearest to places (3, X, Y, Z) in it."""
    x, y, z = (part.round().clamp(0, n - 1).int() for part, n in zip(place, head.tissues.shape, strict=True))
    return ((x * head.tissues.shape[1] + y) * head.tissues.shape[2] + z).numpy()


def tissues_on(
    head: HeadMap, pose: Pose, affine: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sample a head on a grid, with what is around its brain.

    Returns
    -------
    tissues : ndarray, (X, Y, Z), uint8
        Values of ``Tissue``.
    beyond : ndarray, (X, Y, Z), uint8
        Quarters of a millimetre of the map from what is inside the skull.
    """
    place = to_map(head, pose, affine, shape)
    nearest = nearest_voxels(head, place)
    tissues, beyond = head.tissues.ravel()[nearest], head.beyond.ravel()[nearest]
    thickness = 1 + 0.25 * _field(shape, rng)
    edges = np.cumsum(rng.uniform((0.5, 1.5, 1.0, 0.5), (5.0, 5.0, 4.0, 6.0)))
    depth = beyond / (QUARTER * thickness)
    layer = sum((depth > edge).astype(np.uint8) for edge in edges)
    outside = beyond > 0
    tissues = np.where(outside, _LAYERS[layer], tissues)
    _add_shapes(tissues, outside & (layer > 1), place.numpy(), head, rng)
    fluid = tissues == Tissue.FLUID
    tissues[fluid & patches(shape, rng)] = Tissue.VEIN if rng.random() < 0.7 else Tissue.FLUID
    return tissues, beyond


def _field(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Smooth random field (X, Y, Z) float32 of about unit variance."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 9, 9, 9), np.float32))
    return F.interpolate(coarse, tuple(shape), mode="trilinear", align_corners=True)[0, 0].numpy().clip(-2, 2)


def _add_shapes(
    tissues: np.ndarray, free: np.ndarray, place: np.ndarray, head: HeadMap, rng: np.random.Generator
) -> None:
    """Put face, neck, spinal cord and eyes, in parts of the brain's box, into what is outside of the bone."""
    side = (head.high - head.low).astype(np.float32)
    flat, texture = tissues.reshape(-1), _field(tissues.shape, rng).reshape(-1)
    low_enough = np.flatnonzero(place[2] < head.low[2] + LOW * side[2])
    x, y, z = place.reshape(3, -1)[:, low_enough]
    free = free.reshape(-1)[low_enough]

    def ball(centre: tuple[float, ...], radii: np.ndarray | tuple[float, ...]) -> np.ndarray:
        middle = (head.low + np.array(centre) * side).astype(np.float32)
        return sum(((v - m) / np.float32(r)) ** 2 for v, m, r in zip((x, y, z), middle, radii, strict=True)) < 1

    face = ball((0.5, rng.uniform(0.75, 0.9), rng.uniform(-0.2, 0.0)), side * rng.uniform(0.28, 0.45, 3))
    across, along = x - np.float32(head.cord[0]), y - np.float32(head.cord[1])
    along -= np.float32(rng.uniform(-0.3, 0.3)) * (z - np.float32(head.cord[2]))
    neck = across**2 + (along - np.float32(0.08 * side[1])) ** 2 < (side[0] * rng.uniform(0.25, 0.42)) ** 2
    soft = low_enough[free & (face | (neck & (z < head.low[2] + 0.2 * side[2])))]
    kinds = np.array(rng.permutation((Tissue.MUSCLE, Tissue.FAT, Tissue.MUSCLE, Tissue.BONE)), np.uint8)
    flat[soft] = kinds[np.digitize(texture[soft], (-0.7, 0, 0.7))]
    canal = (z < head.cord[2]) & (flat[low_enough] >= Tissue.FLUID)
    from_axis = across**2 + along**2
    for radius, tissue in ((12.0, Tissue.BONE), (8.0, Tissue.FLUID), (4.5, Tissue.CORD)):
        flat[low_enough[canal & (from_axis < (radius * rng.uniform(0.8, 1.2)) ** 2)]] = tissue
    apart, front, high, radius = rng.uniform((0.2, 0.88, 0.08, 8.0), (0.26, 1.0, 0.22, 12.0))
    for sideways in (0.5 - apart, 0.5 + apart):
        flat[low_enough[free & ball((sideways, front, high), (radius,) * 3)]] = Tissue.EYE
