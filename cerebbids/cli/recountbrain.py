"""Tables, quality, figures and sidecars of a whole brain, made again from labels that somebody has corrected."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import DERIVATIVES, LABELS, WHOLE, YIELDS, derivative_path
from cerebbids.cli.recount import Recounted
from cerebbids.cli.recountinfant import read_sidecars, write_sidecars
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.brainqc import OF_NETWORKS, judge_brain
from cerebbids.imaging.labelmaps import is_plain, labels_sha256, read_labels, save_labels
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.reports.figures import brain_doubt, brain_mosaic
from cerebbids.systems.published import SYSTEMS


def recount_brain(output_dir: Path, name: str, system: str) -> Recounted:
    """Make again what comes from the labels of a brain.

    Parameters are those of :func:`cerebbids.cli.recount.recount`, and the system that has labelled the brain; result
    and errors are those of that function, too.
    """
    source, key = f"{name}_T1w.nii.gz", LABELS[system]
    paths = {each: output_dir / derivative_path(source, each) for each in DERIVATIVES if each in YIELDS[system]}
    sidecars = read_sidecars(paths, key, OF_NETWORKS)
    scheme = load_scheme(SYSTEMS[system].scheme)
    like = open_image(paths["t1w"], least_mm=0)
    labels = read_labels(paths[key], scheme, like)
    read_voxels(paths["t1w"], like)  # a damaged one would be missed after the first file is made
    facts = sidecars[key]["CerebBIDS"]
    noted = facts.get("labels_sha256")
    changed = bool(noted) and noted != labels_sha256(labels)
    corrected = changed or facts.get("corrected", False)
    dseg = with_data(like, labels)
    verdict = judge_brain(dseg, scheme, facts, facts.get("warnings_of_steps", ()), corrected=corrected)
    if not is_plain(nib.load(paths[key])):
        save_labels(labels, dseg, paths[key])
    if (cerebellum := SYSTEMS[system].cerebellum) is not None:
        mask = (labels == cerebellum).astype(np.uint8)
        save_labels(mask, with_data(like, mask), paths["mask"])
    write_volumes(class_volumes(dseg, scheme, WHOLE[scheme.name]), paths[f"{key}_morph"])
    write_text(paths[f"{key}_qc"], as_json(verdict.quality))
    brain_mosaic(paths["t1w"], paths[key], scheme.name, paths[f"figure_{key}_dseg"])
    confidence = paths[f"{key}_confidence"]
    brain_doubt(paths["t1w"], paths[key], scheme.name, confidence, paths[f"figure_{key}_confidence"])
    write_sidecars(paths, sidecars, verdict, labels, key, corrected=corrected)
    return Recounted((paths[key].name,) if changed else (), () if noted else (paths[key].name,))
