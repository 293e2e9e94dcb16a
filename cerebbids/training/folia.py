"""Tissues below a manual lobule map: folia and arbor vitae, which the raters of CoBrALab did not draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

RADIUS_MM = 25.0
"""Distance from the white core at which folia are as far apart as :class:`Folding` says."""
WAVE_MM = 6.0
"""How coarse the irregularities of the folia are."""
CLOSEST_MM = 1.3
"""Nearer to each other than this, towards the core, there are no grooves any more."""


@dataclass(frozen=True)
class Folding:
    """How finely a cerebellum is folded.

    Parameters
    ----------
    spacing_mm : float
        From one folium to the next.
    groove_mm : float
        Width of the fluid between two.
    depth_mm : float
        Depth of the grooves below the surface.
    cortex_mm : float
        Thickness of the cortex; what lies deeper is white matter.
    waviness_mm : float
        By how much folia leave their even rows.
    """

    spacing_mm: float
    groove_mm: float
    depth_mm: float
    cortex_mm: float
    waviness_mm: float


def draw_folding(rng: np.random.Generator) -> Folding:
    """Draw a plausible folding: human folia are 2 to 5 mm apart, the cortex some 1 mm thick (Sereno et al. 2020)."""
    return Folding(
        spacing_mm=rng.uniform(2.5, 5.5), groove_mm=rng.uniform(0.3, 0.7), depth_mm=rng.uniform(3.0, 8.0),
        cortex_mm=rng.uniform(0.6, 1.1), waviness_mm=rng.uniform(0.5, 1.5),
    )  # fmt: skip


def tissues(
    lobules: np.ndarray, white: np.ndarray, voxel_mm: float, folding: Folding, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Grey and white matter of a folded cerebellum.

    Folia run from left to right and follow each other around the white core like the leaves of a fan. Grooves are cut
    between them from the surface and from the fissures of the map; then whatever lies further from fluid than the
    cortex is thick is white matter, which makes the arbor vitae.

    Parameters
    ----------
    lobules, white : ndarray of bool, (X, Y, Z)
        Any lobule, and the white core, axes along right, anterior, superior.
    voxel_mm : float
    folding : Folding
    rng : numpy.random.Generator

    Returns
    -------
    grey, white : ndarray of bool, (X, Y, Z)
    """
    cerebellum = lobules | white
    depth = ndimage.distance_transform_edt(cerebellum, voxel_mm)
    angle, radius = _fan(white, voxel_mm)
    phase = (RADIUS_MM * angle + folding.waviness_mm * _waves(cerebellum.shape, voxel_mm, rng)) / folding.spacing_mm
    spacing = folding.spacing_mm * radius / RADIUS_MM
    from_groove = np.abs((phase + 0.5) % 1 - 0.5) * spacing
    grooves = lobules & (from_groove < folding.groove_mm / 2) & (depth < folding.depth_mm) & (spacing > CLOSEST_MM)
    tissue = cerebellum & ~grooves
    deep = ndimage.distance_transform_edt(tissue, voxel_mm) > folding.cortex_mm
    inside = tissue & (white | deep)
    return tissue & ~inside, inside


def _fan(white: np.ndarray, voxel_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Angle about (rad) and distance from (mm) the left-right axis through the white core, (1, Y, Z)."""
    _, y, z = np.ix_(*(np.arange(n, dtype=np.float32) for n in white.shape))
    _, centre_y, centre_z = (float(places.mean()) for places in np.nonzero(white))
    # The fan is open to the front, where the fourth ventricle lies.
    back, up = centre_y - y, z - centre_z
    return np.arctan2(up, back), voxel_mm * np.hypot(up, back)


def _waves(shape: tuple[int, ...], voxel_mm: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random field of unit variance."""
    coarse = rng.standard_normal([max(4, int(n * voxel_mm / WAVE_MM)) for n in shape], np.float32)
    field = F.interpolate(torch.from_numpy(coarse)[None, None], shape, mode="trilinear", align_corners=True)[0, 0]
    return (field / field.std()).numpy()
