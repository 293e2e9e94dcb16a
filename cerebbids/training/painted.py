"""Labelled cerebella at 0.5 mm that nobody has scanned: folded lobule maps, painted inside somebody's head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.resample import resample
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.anatomies import FISSURE_MM, FOLDINGS
from cerebbids.training.atlas import N_SIDE, Template, centroid_affine, clean_cobralab
from cerebbids.training.details import Folded, load_folded
from cerebbids.training.finecases import FineCase
from cerebbids.training.pairs import Anatomy, painted_pair, upsampled, with_cerebellum


@dataclass(frozen=True)
class LabelledFolding:
    """A folded cerebellum and its channels 0..26 (X, Y, Z) uint8, in the sense of ``seg-DeepCERES``."""

    name: str
    folded: Folded
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
    """Channels of a folded cerebellum whose tissues are known, by the rule of :mod:`cerebbids.imaging.carving`.

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
            found.append(LabelledFolding(f"{brain}_{folding}", folded, labels))
    assert len(found) == FOLDINGS * len(brains)
    return tuple(found)


def painted_case(source: LabelledFolding, head: Anatomy, rng: np.random.Generator) -> FineCase:
    """Paint a folded cerebellum inside a stored head (1 mm), T1w and T2w; half of them without the head."""
    t1w, t2w, inside = painted_pair(with_cerebellum(upsampled(head), source.folded), rng)
    shown = inside if rng.random() < 0.5 else np.ones_like(inside)
    return FineCase(source.name, t1w * shown, t2w * shown, source.labels)
