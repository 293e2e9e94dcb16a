"""BIDS datasets made on the fly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np


def make_dataset(root: Path, *names: str) -> Path:
    """Make a dataset of tiny T1w images; a name is a path without ``_T1w.nii.gz``."""
    root.mkdir(parents=True, exist_ok=True)
    description = {"Name": "made for a test", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(description))
    (root / "README").write_text("made for a test")
    for name in names:
        path = root / f"{name}_T1w.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(tiny_image(), path)
    return root


def make_output(root: Path) -> Path:
    """Make the output folder of an earlier run."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text('{"GeneratedBy": [{"Name": "cerebbids"}]}')
    return root


def tiny_image() -> nib.Nifti1Image:
    """64 mm of noise at 2.7 mm, oblique and with an odd origin."""
    data = np.random.default_rng(0).integers(1, 1000, (24, 25, 26)).astype(np.int16)
    affine = np.array([[-2.63, 0.27, 0.1, 31], [0.27, 2.63, 0.17, -17], [-0.07, -0.2, 2.67, 5], [0, 0, 0, 1]])
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, 1)
    return image


def validator_errors(dataset: Path) -> list[str]:
    """Run the BIDS validator, installed beside this interpreter, and give what it calls errors."""
    program = Path(sys.executable).with_name("bids-validator-deno")
    answer = subprocess.run([program, "--json", dataset], capture_output=True, text=True, check=False)
    issues = json.loads(answer.stdout)["issues"]["issues"]
    return [f"{issue['code']} {issue.get('location')}" for issue in issues if issue["severity"] == "error"]
