"""What counting again has in common for systems of infants, each of which has one label scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.bids.names import (
    DERIVATIVES,
    LABELS,
    OF_LABELS,
    WHOLE,
    WITHOUT_LABEL,
    YIELDS,
    derivative_path,
    sidecar_path,
)
from cerebbids.bids.sidecars import OF_OLDER, read_sidecar, write_provenance
from cerebbids.cli.recount import Recounted
from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.errors import BadImage
from cerebbids.files import as_json, write_text
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.labelmaps import is_plain, labels_sha256, read_labels, save_labels
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.verdict import Verdict
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.reports.figures import class_doubt, class_mosaic
from cerebbids.systems.published import SYSTEMS


@dataclass(frozen=True)
class Classes:
    """Labels of one image, and all that is known of them.

    Parameters
    ----------
    key : str
        Of the labels in :data:`cerebbids.bids.names.DERIVATIVES`.
    scheme : LabelScheme
    paths : mapping
        Files of the image by their keys.
    sidecars : mapping
        What their sidecars tell; nothing where there is none.
    like : Nifti1Image
        T1w image.
    labels : ndarray of uint8, (X, Y, Z)
        On its grid.
    noted : bool
        Whether a hash tells what the labels were.
    changed : bool
        Whether somebody has changed them since that was noted.
    """

    key: str
    scheme: LabelScheme
    paths: Mapping[str, Path]
    sidecars: Mapping[str, dict[str, Any]]
    like: nib.Nifti1Image
    labels: np.ndarray
    noted: bool
    changed: bool

    @property
    def facts(self) -> dict[str, Any]:
        """What the labels' sidecar tells of the run."""
        return self.sidecars[self.key]["CerebBIDS"]

    @property
    def corrected(self) -> bool:
        """Whether somebody has ever changed them."""
        return self.changed or self.facts.get("corrected", False)

    @property
    def of_steps(self) -> Sequence[str]:
        """Warnings of the steps before."""
        return self.facts.get("warnings_of_steps", ())

    @property
    def dseg(self) -> nib.Nifti1Image:
        """Labels as an image."""
        return with_data(self.like, self.labels)


def read_classes(output_dir: Path, name: str, system: str, needed: Sequence[str]) -> Classes:
    """Read the labels that a system has given an image, with their sidecars.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    name : str
        What the names of the image's derivatives start with.
    system : str
    needed : sequence of str
        What the sidecar of the labels has to tell.

    Raises
    ------
    BadImage
        A file is missing, damaged, or not what it should be.
    """
    source, key = f"{name}_T1w.nii.gz", LABELS[system]
    paths = {each: output_dir / derivative_path(source, each) for each in DERIVATIVES if each in YIELDS[system]}
    sidecars = _read_sidecars(paths, key, needed)
    scheme, like = load_scheme(SYSTEMS[system].scheme), open_image(paths["t1w"], least_mm=0)
    labels = read_labels(paths[key], scheme, like)
    read_voxels(paths["t1w"], like)  # a damaged one would be missed after the first file is made
    noted = sidecars[key]["CerebBIDS"].get("labels_sha256")
    changed = bool(noted) and noted != labels_sha256(labels)
    return Classes(key, scheme, paths, sidecars, like, labels, bool(noted), changed)


def _read_sidecars(paths: Mapping[str, Path], key: str, needed: Sequence[str]) -> dict[str, dict[str, Any]]:
    try:
        found = {each: read_sidecar(paths[each]) for each in OF_LABELS if each in paths}
    except ValueError as error:
        raise BadImage(str(paths[key].parent), str(error), "mend it, or run cerebbids again") from error
    if any(fact not in found[key].get("CerebBIDS", {}) for fact in needed):
        sidecar = str(sidecar_path(paths[key]))
        raise BadImage(sidecar, "does not tell how far labels were trusted", "run cerebbids again on this image")
    return found


def write_classes(
    classes: Classes, verdict: Verdict, mask: np.ndarray | None = None, *, of_mask: bool = False
) -> Recounted:
    """Write what comes from labels: table, quality, figures, and sidecars, of which that of the labels comes last.

    Parameters
    ----------
    classes : Classes
    verdict : Verdict
        Of their quality.
    mask : ndarray of uint8 or None, (X, Y, Z)
        Cerebellum, of a system that tells where it is.
    of_mask : bool
        Whether only what lies in it is counted.
    """
    paths, key, scheme, dseg = classes.paths, classes.key, classes.scheme, classes.dseg
    if not is_plain(nib.load(paths[key])):
        save_labels(classes.labels, dseg, paths[key])
    cerebellum = None if mask is None else with_data(classes.like, mask)
    if cerebellum is not None:
        save_labels(mask, cerebellum, paths["mask"])
    inside, unlabelled = cerebellum if of_mask else None, WITHOUT_LABEL.get(scheme.name, ())
    write_volumes(class_volumes(dseg, scheme, WHOLE[scheme.name], inside, unlabelled), paths[f"{key}_morph"])
    write_text(paths[f"{key}_qc"], as_json(verdict.quality))
    class_mosaic(paths["t1w"], paths[key], scheme.name, paths[f"figure_{key}_dseg"])
    confidence = paths[f"{key}_confidence"]
    class_doubt(paths["t1w"], paths[key], scheme.name, confidence, paths[f"figure_{key}_confidence"])
    _write_sidecars(classes, verdict)
    name = paths[key].name
    return Recounted((name,) if classes.changed else (), () if classes.noted else (name,))


def _write_sidecars(classes: Classes, verdict: Verdict) -> None:
    key, corrected = classes.key, classes.corrected
    older = OF_OLDER if corrected else {}
    for each in sorted(classes.sidecars, key=lambda each: each == key):
        if not classes.sidecars[each]:
            continue
        told = {**classes.sidecars[each]["CerebBIDS"], **verdict.told(), **older}
        if corrected and each not in (f"{key}_probseg", f"{key}_confidence", "shown"):
            told["corrected" if each == key else "from_corrected"] = True
        if each == key and "labels_sha256" in told:
            told["labels_sha256"] = labels_sha256(classes.labels)
        write_provenance(classes.paths[each], classes.sidecars[each], told)
