"""Labelled cerebella at 0.5 mm that nobody has scanned: folded lobule maps, painted inside somebody's head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.resample import resample
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.anatomies import FISSURE_MM, FOLDINGS
from cerebbids.training.atlas import Template, centroid_affine, clean_cobralab
from cerebbids.training.details import Folded, load_folded
from cerebbids.training.finecases import FineCase
from cerebbids.training.pairs import Anatomy, load_heads, painted_pair, scanned, upsampled, with_cerebellum
from cerebbids.training.sources import COBRALAB

BARE = 0.5
"""Share of painted cases without a skull."""
COARSE_SIGMA = 0.85
"""Standard deviation of the point spread of voxels of 1 mm, in voxels of 0.5 mm."""
ANY = 25
"""Share of 255 from which a voxel of a head belongs to its cerebellum."""


@dataclass(frozen=True)
class LabelledFolding:
    """A folded cerebellum and its channels 0..26 (X, Y, Z) uint8.

    ``compartments``: white matter is the core alone; ``labels`` in the sense of ``seg-DeepCERES``.
    """

    name: str
    folded: Folded
    compartments: np.ndarray
    labels: np.ndarray


def filled_lobules(dseg: nib.Nifti1Image, template: Template) -> dict[str, np.ndarray]:
    """Compartments of a CoBrALab map on the cerebellum box at 0.5 mm, its fissures given to the nearest lobule.

    Parameters
    ----------
    dseg : Nifti1Image
        Lobules at 0.3 mm, fissures carved out.
    template : Template
        Where the lobules lie in the working space.

    Returns
    -------
    dict
        ``compartments`` (X, Y, Z) uint8, channels 0..26; white matter is the core alone.
    """
    grid, scheme = CEREBELLUM_05MM, load_scheme(DEEPCERES.scheme)
    dseg = clean_cobralab(dseg)
    world_map = centroid_affine(dseg, template, grid.halved())
    table = np.zeros(256, np.uint8)
    table[list(scheme.indices)] = np.arange(1, len(scheme.indices) + 1)
    channels = table[np.asarray(dseg.dataobj)]
    lobules = (channels > 0) & (channels % N_SIDE > 0)
    nearest = ndimage.distance_transform_edt(~lobules, return_distances=False, return_indices=True)
    closed = ndimage.binary_closing(channels > 0, iterations=round(FISSURE_MM / float(dseg.header.get_zooms()[0])))
    filled = np.where(closed & (channels == 0), channels[tuple(nearest)], channels)
    placed = resample(nib.Nifti1Image(filled, dseg.affine), grid.shape, grid.affine, world_map, order=0)
    return {"compartments": np.asarray(placed.dataobj)}


def named_tissues(compartments: np.ndarray, grey: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Channels of a folded cerebellum whose tissues are known, in the sense of :mod:`cerebbids.imaging.carving`.

    Its first steps are enough: what is white was drawn from the core outwards, and of the peduncles nothing was drawn.

    Parameters
    ----------
    compartments : ndarray of uint8, (X, Y, Z)
        Channels.
    grey, white : ndarray of uint8, (X, Y, Z)
        Shares of 255.

    Returns
    -------
    ndarray of uint8, (X, Y, Z)
        0 where fluid is the larger part, the side's white matter where there is more of it than of grey matter, the
        compartment elsewhere.

    Examples
    --------
    >>> shares = np.array([[255, 0], [90, 160], [60, 50]], np.uint8)  # grey, arbor vitae, groove in right Crus I
    >>> named_tissues(np.full(3, 19, np.uint8), *shares.T)
    array([19, 26,  0], dtype=uint8)
    """
    tissue = grey.astype(np.int16) + white
    side = np.where(compartments > N_SIDE, 2 * N_SIDE, N_SIDE).astype(np.uint8)
    named = np.where(white > grey, side, compartments)
    return np.where((compartments > 0) & (tissue > 127), named, 0).astype(np.uint8)


def load_labelled(work: Path, brains: tuple[str, ...]) -> tuple[LabelledFolding, ...]:
    """Read the foldings of ``brains`` (``CoBrALab-1``, say) and name their tissues."""
    found = []
    for brain in brains:
        with np.load(Path(work) / "folia" / f"{brain}.npz") as arrays:
            compartments = arrays["compartments"]
        for folding, folded in enumerate(load_folded(work, (brain,))):
            labels = named_tissues(compartments, folded.grey, folded.white)
            found.append(LabelledFolding(f"{brain}_{folding}", folded, compartments, labels))
    assert len(found) == FOLDINGS * len(brains)
    return tuple(found)


def painted_names() -> tuple[str, ...]:
    """Names of the painted cases: every folding of every lobule map."""
    return tuple(f"{brain}_{folding}" for brain in COBRALAB for folding in range(FOLDINGS))


def with_arbor(compartments: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Compartments as manual labels of 1 mm have them: white matter also where such a voxel would be mostly white.

    Parameters
    ----------
    compartments : ndarray of uint8, (X, Y, Z)
        Channels at 0.5 mm, of whose white matter only the core.
    white : ndarray of uint8, (X, Y, Z)
        Share of 255.
    """
    seen = ndimage.gaussian_filter(white / np.float32(255), COARSE_SIGMA)
    side = np.where(compartments > N_SIDE, 2 * N_SIDE, N_SIDE).astype(np.uint8)
    return np.where((compartments > 0) & (seen > 0.5), side, compartments)


def load_empty_heads(work: Path, names: tuple[str, ...]) -> tuple[Anatomy, ...]:
    """Read stored head maps as :func:`cerebbids.training.pairs.load_heads`, fluid in the place of their cerebella.

    A painted cerebellum does not fill another head's. Its rest would be shown and called background.
    """
    found = []
    for name, head in zip(names, load_heads(work, names), strict=True):
        with np.load(Path(work) / "heads" / f"{name}.npz") as arrays:
            own = arrays["cerebellum"] > ANY
        fluid = np.zeros_like(head.shares)
        fluid[0] = head.shares.astype(np.int16).sum(0).clip(0, 255)
        found.append(Anatomy(np.where(own, fluid, head.shares), head.outside))
    return tuple(found)


def painted_case(source: LabelledFolding, head: Anatomy, rng: np.random.Generator) -> FineCase:
    """Paint a folded cerebellum inside a stored head (1 mm), T1w as scanned, and T2w; half without the skull.

    Parameters
    ----------
    source : LabelledFolding
    head : Anatomy
        From :func:`load_empty_heads`.
    rng : numpy.random.Generator
    """
    t1w, t2w, _ = painted_pair(with_cerebellum(upsampled(head), source.folded), BARE, rng)
    return FineCase(source.name, scanned(t1w, rng), t2w, source.labels)
