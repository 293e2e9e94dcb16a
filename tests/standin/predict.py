"""Stands in for ``cerebbids-predict``: blocks in the posterior fossa of the template, brought to the image."""

import argparse
import json
import os
import time
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.data.labels import load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.relabel import relabel
from cerebbids.imaging.resample import fine_box, resample
from cerebbids.imaging.t2contrast import render_t2w
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.imaging.vermis import with_vermis
from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.inference.models import read_bundle
from cerebbids.systems.grid import CEREBELLUM_05MM

BOX = CEREBELLUM_05MM.halved().halved()
"""Where the networks' fine box is, in coarse voxels."""

_BUNDLE = read_bundle(None, "deepceres")

FACTS = {
    "model": _BUNDLE.title,
    "weights_sha256": _BUNDLE.sha256,
    "weights_licence": _BUNDLE.licence,
    "method": "nets",
    "flip": False,
    "library": None,
    "device": "cpu",
    "torch": "none",
    "seconds": 1.0,
    "laps": {"load": 1.0},
    "peak_rss_gb": 0.1,
    "peak_gpu_gb": None,
    "icv_mm3": None,
    "t2w": "synth",
    "superresolved": True,
    "tissues": {"csf": 200.0, "gm": 600.0, "wm": 900.0, "targets": list(TARGETS), "counts": [0, 5, 9, 4] + 66 * [0]},
    "warnings": ["Nothing was looked at."],
    "confidence": {label.abbreviation: 1.0 for label in load_scheme("Lobules").labels},
    "between_nets": 1.0,
    "with_quick": 1.0,
    "with_atlas": 1.0,
}


def blocks() -> nib.Nifti1Image:
    """Two stacks of 13 slabs, left labels at negative x."""
    template, indices = template_t1w(), load_scheme("Lobules").indices
    data = np.zeros(template.shape, np.uint8)
    first = np.linalg.inv(template.affine) @ (0, -80, -58, 1)
    x, y, z = first[:3].round().astype(int)
    for k in range(13):
        slab = (slice(y, y + 45), slice(z + 3 * k, z + 3 * k + 3))
        data[x - 40 : x, *slab], data[x : x + 40, *slab] = indices[k], indices[k + 13]
    return nib.Nifti1Image(data, template.affine)


def write_image_side(job: dict, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, out: Path) -> dict:
    """Write the template's brain for the cavity and its T1w at 0.5 mm; give the facts about them."""
    bright = template_t1w()
    fine = resample(nib.Nifti1Image(TARGETS[2] * bright.get_fdata(), bright.affine), BOX.shape, BOX.affine)
    contrast = nib.Nifti1Image(render_t2w(fine.get_fdata(), TARGETS).astype(np.float32), BOX.affine)
    shape, affine = fine_box(t1w, BOX, t1w_to_mni)
    nib.save(fine, out / "superres_mni.nii.gz")
    nib.save(resample(fine, shape, affine, t1w_to_mni), out / "superres.nii.gz")
    nib.save(contrast, out / "t2w_mni.nii.gz")
    nib.save(resample(contrast, t1w.shape, t1w.affine, t1w_to_mni), out / "t2w.nii.gz")
    facts = {"t2w": "real" if job["t2w"] else "synth"}
    if not job["skull_stripped"]:
        cavity = brain_mask(t1w, t1w_to_mni, 0.0)
        nib.save(cavity, out / "icv.nii.gz")
        facts["icv_mm3"] = float(np.count_nonzero(cavity.dataobj) * abs(np.linalg.det(t1w.affine[:3, :3])))
    return facts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", type=Path)
    job = json.loads(parser.parse_args().spec.read_text())
    if "sub_killed" in job["t1w"]:
        os.kill(os.getpid(), 9)
    if "sub_implausible" in job["t1w"]:
        raise SegmentationFailed(job["t1w"], "the cerebellum found is implausible", "look at the image")
    if "sub_greedy" in job["t1w"]:
        np.ones(1 << 40)
    if "sub_slow" in job["t1w"]:
        Path(job["out_dir"], "begun.txt").write_text(str(os.getpid()))
        time.sleep(3600)
    out, t1w = Path(job["out_dir"]), nib.load(job["t1w"])
    t1w_to_mni = read_itk_affine(Path(job["xfm"]))
    in_mni = blocks()
    native = resample(in_mni, t1w.shape, t1w.affine, t1w_to_mni, order=0)
    labels = np.asarray(native.dataobj).astype(np.uint8)
    nib.save(nib.Nifti1Image(labels, t1w.affine), out / "dseg.nii.gz")
    nib.save(in_mni, out / "dseg_mni.nii.gz")
    carved = relabel(np.asarray(in_mni.dataobj), in_mni.affine, BOX.shape, BOX.affine)
    nib.save(nib.Nifti1Image(labels, t1w.affine), out / "carved.nii.gz")
    nib.save(nib.Nifti1Image(carved, BOX.affine), out / "carved_mni.nii.gz")
    shape, affine = fine_box(t1w, BOX, t1w_to_mni)
    placed = relabel(carved, BOX.affine, shape, affine, t1w_to_mni)
    nib.save(nib.Nifti1Image(placed, affine), out / "carved_fine.nii.gz")
    nib.save(nib.Nifti1Image((labels > 0).astype(np.uint8), t1w.affine), out / "mask.nii.gz")
    nib.save(nib.Nifti1Image(np.ones(t1w.shape, np.float32), t1w.affine), out / "confidence.nii.gz")
    if job["method"] == "nets":
        near = (
            abs(nib.affines.apply_affine(t1w_to_mni @ t1w.affine, np.moveaxis(np.indices(t1w.shape), 0, -1))[..., 0])
            < 8
        )
        nib.save(nib.Nifti1Image(with_vermis(labels, near), t1w.affine), out / "vermis.nii.gz")
    if job["method"] != "fast":
        nib.save(nib.Nifti1Image(carved, BOX.affine), out / "atlas_mni.nii.gz")
    if job["save_probabilities"]:
        every = np.stack([labels == index for index in (0, *load_scheme("Lobules").indices)], -1)
        nib.save(nib.Nifti1Image(every.astype(np.uint8), t1w.affine), out / "probseg.nii.gz")
    facts = FACTS | write_image_side(job, t1w, t1w_to_mni, out)
    (out / "predict.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
