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
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.xfm import read_itk_affine

FACTS = {
    "model": "stand-in",
    "weights_sha256": "0" * 64,
    "weights_licence": "CC0",
    "device": "cpu",
    "torch": "none",
    "seconds": 1.0,
    "peak_rss_gb": 0.1,
    "warnings": ["Nothing was looked at."],
    "confidence": {label.abbreviation: 1.0 for label in load_scheme("Lobules").labels},
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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", type=Path)
    job = json.loads(parser.parse_args().spec.read_text())
    if "sub_killed" in job["t1w"]:
        os.kill(os.getpid(), 9)
    if "sub_implausible" in job["t1w"]:
        raise SegmentationFailed(job["t1w"], "the cerebellum found is implausible", "look at the image")
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
    nib.save(nib.Nifti1Image((labels > 0).astype(np.uint8), t1w.affine), out / "mask.nii.gz")
    (out / "predict.json").write_text(json.dumps(FACTS))


if __name__ == "__main__":
    main()
