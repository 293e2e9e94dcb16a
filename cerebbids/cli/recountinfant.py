"""Tables, quality, figures and sidecars of an infant's image, made again from tissues that somebody has corrected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.cli.recount import Recounted
from cerebbids.cli.recountclasses import Classes, read_classes, write_classes
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.infantqc import judge_tissues
from cerebbids.imaging.labelmaps import check_grid
from cerebbids.imaging.parts import nearest_of
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.systems.infant import INFANT

_NEEDED = ("trust_mean", "months", "model_months")
_CEREBELLUM, _BESIDE = 1, 2


def recount_infant(output_dir: Path, name: str) -> Recounted:
    """Make again what comes from the tissues of an infant's image.

    What the networks labelled belongs to the cerebellum or to what is beside it, as it did; new labels belong to what
    of that is nearer. The mask never loses what the networks put there, so that a correction can be taken back.

    Parameters, result and errors are those of :func:`cerebbids.cli.recount.recount`.
    """
    tissues = read_classes(output_dir, name, INFANT.name, _NEEDED)
    before, found = _read(tissues.paths["mask"], tissues.like) > 0, _found(tissues)
    zooms = nib.affines.voxel_sizes(tissues.like.affine)
    mask = cerebellum_of(tissues.labels, before, found, zooms).astype(np.uint8)
    cerebellum = with_data(tissues.like, mask)
    verdict = judge_tissues(tissues.dseg, cerebellum, tissues.facts, tissues.of_steps, corrected=tissues.corrected)
    return write_classes(tissues, verdict, mask, of_mask=True)


def cerebellum_of(labels: np.ndarray, before: np.ndarray, found: np.ndarray, zooms: Sequence[float]) -> np.ndarray:
    """Tell where the cerebellum is, bool: what of it the networks labelled, and new labels that are nearer to that.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z)
    before : ndarray of bool, (X, Y, Z)
        Cerebellum as it was after the run, or after a correction.
    found : ndarray of bool, (X, Y, Z)
        What the networks labelled: beyond, only a correction has added to the cerebellum.
    zooms : sequence of float
        Edges of a voxel, mm.

    Examples
    --------
    >>> before, found = np.array([False, True, True, False, False]), np.array([False, True, True, True, True])
    >>> cerebellum_of(np.array([2, 3, 0, 0, 3]), before, found, [1.0]).tolist()
    [True, True, True, False, False]
    """
    own = before & found
    added = (labels > 0) & ~found
    if not added.any():
        return own
    parts = np.where(own, _CEREBELLUM, np.where(found, _BESIDE, 0)).astype(np.uint8)
    return own | (nearest_of(parts, added, _CEREBELLUM, _BESIDE, zooms) == _CEREBELLUM)


def _read(path: Path, like: nib.Nifti1Image, volumes: int = 1) -> np.ndarray:
    image = open_image(path, least_mm=0, volumes=volumes)
    check_grid(path, image, like)
    return read_voxels(path, image)


def _found(tissues: Classes) -> np.ndarray:
    """Tell what the networks labelled, from what no correction changes."""
    probabilities = _read(tissues.paths["tissues_probseg"], tissues.like, 1 + len(tissues.scheme.labels))
    trust = _read(tissues.paths["tissues_confidence"], tissues.like)
    # Stored in 255 steps, background and a tissue may be equal; then nearly always the other tells.
    return (probabilities.argmax(-1) > 0) | (trust > 0)
