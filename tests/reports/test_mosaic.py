from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.reports.mosaic import load_scene
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Plane


@pytest.mark.parametrize("plane", [SAGITTAL, CORONAL, AXIAL])
def test_a_cut_midway_between_two_labels_shows_the_one_beyond(tmp_path: Path, plane: Plane):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:14, 4:14, 4:14] = 6
    labels.swapaxes(0, plane.along)[9:14, 4:14, 4:14] = 106  # from the middle on
    affine = np.diag([1.0, 1, 1, 1])
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "dseg.nii")
    nib.save(nib.Nifti1Image(labels.astype(np.float32), affine), tmp_path / "t1w.nii")
    scene = load_scene(tmp_path / "t1w.nii", tmp_path / "dseg.nii", COMPARTMENTS)
    (panel,) = scene.cuts(plane, 1)
    assert scene.dseg.box().positions(plane, 1) == (8.5,)
    assert [shown.name for shown in panel.outlines] == ["Right Crus I"]
