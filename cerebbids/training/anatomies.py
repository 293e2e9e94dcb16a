"""Anatomies to paint: what tissue lies where, at 0.5 mm with folia, in whole heads, and in real brains."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.brainmask import stripped_brain
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.resample import part_around, resample
from cerebbids.imaging.standard import standard_t1w
from cerebbids.systems.grid import CEREBELLUM_05MM, HEAD_2MM, Grid
from cerebbids.training.atlas import Template, centroid_affine, clean_cobralab, soft
from cerebbids.training.folia import draw_folding, tissues
from cerebbids.training.surroundings import OUTSIDE_FROM

FOLDINGS = 3
"""Foldings that are drawn of every lobule map."""
WHITE_IDS = (2, 7, 16, 28, 41, 46, 60, 85, 192)
FLUID_IDS = (4, 5, 14, 15, 24, 43, 44)
"""FreeSurfer ids that are bright, and dark, in a T1w image; the rest inside the skull is grey."""
CEREBELLUM_IDS = (7, 8, 46, 47)
"""FreeSurfer ids of the cerebellum."""
FISSURE_MM = 1.5
"""Gaps in a lobule map up to twice as wide belong to the cerebellum."""
MARGIN_MM = 8.0
"""How much of a real brain is kept around the cerebellum box."""


def folded_cerebellum(dseg: nib.Nifti1Image, template: Template, seed: int) -> dict[str, np.ndarray]:
    """Draw one folding of a CoBrALab map and bring it onto the cerebellum box at 0.5 mm.

    Parameters
    ----------
    dseg : Nifti1Image
        Lobules at 0.3 mm.
    template : Template
        Where the lobules lie in the working space.
    seed : int

    Returns
    -------
    dict
        ``grey``, ``white`` (X, Y, Z) uint8, shares of 255; ``hull`` (X, Y, Z) bool: the cerebellum with its fissures.
    """
    grid = CEREBELLUM_05MM
    dseg = clean_cobralab(dseg)
    world_map = centroid_affine(dseg, template, grid.halved())
    data, rng = np.asarray(dseg.dataobj), np.random.default_rng(seed)
    core = np.isin(data, [label.index for label in load_scheme("Lobules").labels if label.tissue == "WM"])
    voxel = float(dseg.header.get_zooms()[0])
    grey, white = tissues((data > 0) & ~core, core, voxel, draw_folding(rng), rng)
    closed = ndimage.binary_closing(data > 0, iterations=round(FISSURE_MM / voxel))

    def share(member: np.ndarray) -> np.ndarray:
        # What a scanner of 0.5 mm sees of it.
        seen = ndimage.gaussian_filter(member.astype(np.float32), grid.spacing / voxel / 2.3548)
        placed = resample(nib.Nifti1Image(seen, dseg.affine), grid.shape, grid.affine, world_map)
        return np.asarray(placed.dataobj)

    return {"grey": _as_bytes(share(grey)), "white": _as_bytes(share(white)), "hull": share(closed) > 0.5}


def head_tissues(labels: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> dict[str, np.ndarray]:
    """Bring a whole-head label map onto the cerebellum box, at 1 mm.

    Returns
    -------
    dict
        ``shares`` (3, X, Y, Z) uint8, shares of 255 of fluid, grey and white matter; ``cerebellum`` (X, Y, Z) uint8,
        that of the cerebellum; ``outside`` (X, Y, Z) int16: the id of what lies outside of the skull, 0 air.
    """
    grid, world_map = CEREBELLUM_05MM.halved(), np.linalg.inv(t1w_to_mni)
    ids = tuple(int(i) for i in np.unique(np.asarray(labels.dataobj)) if 0 < i < OUTSIDE_FROM)
    groups = (FLUID_IDS, tuple(i for i in ids if i not in WHITE_IDS + FLUID_IDS), WHITE_IDS)
    *shares, cerebellum = (soft(labels, group, grid, world_map) for group in (*groups, CEREBELLUM_IDS))
    nearest = np.asarray(resample(labels, grid.shape, grid.affine, world_map, order=0).dataobj)
    outside = np.where(nearest >= OUTSIDE_FROM, nearest, 0).astype(np.int16)
    return {"shares": _as_bytes(np.stack(shares)), "cerebellum": _as_bytes(cerebellum), "outside": outside}


def _as_bytes(shares: np.ndarray) -> np.ndarray:
    """Shares of 1 as shares of 255, uint8."""
    return np.rint(255 * shares.clip(0, 1)).astype(np.uint8)


def head_on_grid(labels: nib.Nifti1Image, t1w_to_mni: np.ndarray, grid: Grid = HEAD_2MM) -> np.ndarray:
    """Bring a whole-head label map onto the grid of whole heads (int16, nearest label)."""
    return np.asarray(resample(labels, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni), order=0).dataobj)


def real_brain(path: Path, threads: int) -> dict[str, np.ndarray]:
    """Clean a stripped T1w image and bring its tissues to fixed brightness.

    Returns
    -------
    dict
        ``native`` float16: its own voxels around the cerebellum; ``box`` (X, Y, Z) float16: on the cerebellum box at
        0.5 mm (cubic spline); fluid, grey and white matter at 50, 150, 250, and 0 outside of the brain in both.
    """
    clean, place = clean_t1w(path, threads)
    inside = stripped_brain(clean, place.t1w_to_mni)
    to_mni = register_to_mni(clean, threads, place).t1w_to_mni
    standard = standard_t1w(clean, inside, to_mni, threads).image
    grid = CEREBELLUM_05MM
    placed = np.asarray(resample(standard, grid.shape, grid.affine, np.linalg.inv(to_mni), order=3).dataobj)
    return {"native": around_cerebellum(standard, to_mni).astype(np.float16), "box": placed.clip(0).astype(np.float16)}


def around_cerebellum(image: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> np.ndarray:
    """Voxels of an image in a box around the cerebellum, with even sides."""
    part = part_around(image, CEREBELLUM_05MM, t1w_to_mni, MARGIN_MM)
    return np.asarray(part.dataobj, dtype=np.float32)[tuple(slice(n // 2 * 2) for n in part.shape)]
