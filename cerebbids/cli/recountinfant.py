"""Tables, quality, figures and sidecars of an infant's image, made again from tissues that somebody has corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.bids.names import DERIVATIVES, OF_LABELS, TISSUES, WHOLE, YIELDS, derivative_path, sidecar_path
from cerebbids.bids.sidecars import OF_OLDER, read_sidecar, write_provenance
from cerebbids.cli.recount import Recounted
from cerebbids.data.labels import load_scheme
from cerebbids.errors import BadImage
from cerebbids.files import as_json, write_text
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.infantqc import judge_tissues
from cerebbids.imaging.labelmaps import check_grid, is_plain, labels_sha256, read_labels, save_labels
from cerebbids.imaging.parts import nearest_of
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.verdict import Verdict
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.reports.figures import tissue_mosaic, trust_check

_NEEDED = ("trust_mean", "months", "model_months")
_CEREBELLUM, _BESIDE = 1, 2


def recount_infant(output_dir: Path, name: str) -> Recounted:
    """Make again what comes from the tissues of an infant's image.

    What the networks labelled belongs to the cerebellum or to what is beside it, as it did; new labels belong to what
    of that is nearer. The mask never loses what the networks put there, so that a correction can be taken back.

    Parameters, result and errors are those of :func:`cerebbids.cli.recount.recount`.
    """
    source = f"{name}_T1w.nii.gz"
    paths = {key: output_dir / derivative_path(source, key) for key in DERIVATIVES if key in YIELDS["infant"]}
    sidecars = read_sidecars(paths, "tissues", _NEEDED)
    like = open_image(paths["t1w"], least_mm=0)
    labels = read_labels(paths["tissues"], load_scheme(TISSUES), like)
    read_voxels(paths["t1w"], like)  # a damaged one would be missed after the first file is made
    facts = sidecars["tissues"]["CerebBIDS"]
    noted = facts.get("labels_sha256")
    changed = bool(noted) and noted != labels_sha256(labels)
    corrected = changed or facts.get("corrected", False)
    before, found = _read(paths["mask"], like) > 0, _found(paths, like)
    mask = cerebellum_of(labels, before, found, nib.affines.voxel_sizes(like.affine))
    dseg, cerebellum = with_data(like, labels), with_data(like, mask.astype(np.uint8))
    of_steps = facts.get("warnings_of_steps", ())
    verdict = judge_tissues(dseg, cerebellum, facts, of_steps, corrected=corrected)
    if not is_plain(nib.load(paths["tissues"])):
        save_labels(labels, dseg, paths["tissues"])
    save_labels(mask, cerebellum, paths["mask"])
    volumes = class_volumes(dseg, load_scheme(TISSUES), WHOLE[TISSUES], cerebellum)
    write_volumes(volumes, paths["tissues_morph"])
    write_text(paths["tissues_qc"], as_json(verdict.quality))
    tissue_mosaic(paths["t1w"], paths["tissues"], paths["figure_tissues_dseg"])
    trust_check(paths["t1w"], paths["tissues"], paths["tissues_confidence"], paths["figure_tissues_confidence"])
    write_sidecars(paths, sidecars, verdict, labels, "tissues", corrected=corrected)
    unknown = () if noted else (paths["tissues"].name,)
    return Recounted((paths["tissues"].name,) if changed else (), unknown)


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


def _found(paths: dict[str, Path], like: nib.Nifti1Image) -> np.ndarray:
    """Tell what the networks labelled, from what no correction changes."""
    probabilities = _read(paths["tissues_probseg"], like, 1 + len(load_scheme(TISSUES).labels))
    trust = _read(paths["tissues_confidence"], like)
    # Stored in 255 steps, background and a tissue may be equal; then nearly always the other tells.
    return (probabilities.argmax(-1) > 0) | (trust > 0)


def read_sidecars(paths: Mapping[str, Path], key: str, needed: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read all sidecars of an image that a system of one label scheme has labelled.

    Parameters
    ----------
    paths : mapping
        Files of the image by their keys in :data:`cerebbids.bids.names.DERIVATIVES`.
    key : str
        That of the labels.
    needed : sequence of str
        What the sidecar of the labels has to tell.

    Raises
    ------
    BadImage
        One cannot be read, or does not tell that.
    """
    try:
        found = {each: read_sidecar(paths[each]) for each in OF_LABELS if each in paths}
    except ValueError as error:
        raise BadImage(str(paths[key].parent), str(error), "mend it, or run cerebbids again") from error
    if any(fact not in found[key].get("CerebBIDS", {}) for fact in needed):
        sidecar = str(sidecar_path(paths[key]))
        raise BadImage(sidecar, "does not tell how far labels were trusted", "run cerebbids again on this image")
    return found


def write_sidecars(
    paths: Mapping[str, Path],
    sidecars: Mapping[str, Mapping[str, Any]],
    verdict: Verdict,
    labels: np.ndarray,
    key: str,
    *,
    corrected: bool,
) -> None:
    """Tell in all sidecars what was found; that of the labels, whose key is given, comes last."""
    older = OF_OLDER if corrected else {}
    for each in sorted(sidecars, key=lambda each: each == key):
        if not sidecars[each]:
            continue
        told = {**sidecars[each]["CerebBIDS"], **verdict.told(), **older}
        if corrected and each not in (f"{key}_probseg", f"{key}_confidence", "shown"):
            told["corrected" if each == key else "from_corrected"] = True
        if each == key and "labels_sha256" in told:
            told["labels_sha256"] = labels_sha256(labels)
        write_provenance(paths[each], sidecars[each], told)
