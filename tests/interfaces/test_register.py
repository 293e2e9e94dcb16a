from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage
from cerebbids.imaging.registration import AffineResult, Place
from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.interfaces import register
from cerebbids.interfaces.register import LocateBrain, RegisterToMNI

ROUGH = nib.affines.from_matvec(np.diag([1.1, 0.9, 1.0]), [3, -20, 7])


@pytest.fixture
def located(tmp_path, monkeypatch):
    """Locate a brain that is known to be at `ROUGH` in a box of ones; part of the file may have no value."""
    monkeypatch.setattr(register, "locate_brain", lambda *_: Place(ROUGH, "wide-head"))

    def locate(missing: slice):
        grid = np.linalg.inv(ROUGH) @ [[2, 0, 0, -98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]]
        data = np.ones((99, 117, 95), np.float32)
        nib.save(nib.Nifti1Image(data, grid), tmp_path / "conform.nii")
        data[:, :, missing] = np.nan
        nib.save(nib.Nifti1Image(data, grid), tmp_path / "sub-01_T1w.nii.gz")
        files = {"in_file": str(tmp_path / "conform.nii"), "source": str(tmp_path / "sub-01_T1w.nii.gz")}
        return LocateBrain(**files).run(cwd=str(tmp_path)).outputs

    return locate


def test_registration_begins_where_the_brain_was_located(located, tmp_path, monkeypatch):
    seen = []

    def register_to_mni(_image, _threads, near, *, sloppy):
        assert not sloppy
        seen.append(near)
        return AffineResult(ROUGH, near.strategy, True, 1.0, 1.0, 1.0, ())

    monkeypatch.setattr(register, "register_to_mni", register_to_mni)
    place = located(slice(0, 0))
    step = RegisterToMNI(in_file=str(tmp_path / "conform.nii"), near=place.xfm_to_mni, strategy=place.strategy)
    outputs = step.run(cwd=str(tmp_path)).outputs
    np.testing.assert_allclose(seen[0].t1w_to_mni, ROUGH, atol=1e-9)
    np.testing.assert_allclose(read_itk_affine(Path(outputs.xfm_to_mni)), ROUGH, atol=1e-9)
    assert outputs.xfm_meta["CerebBIDS"]["strategy"] == "wide-head"


def test_a_file_without_values_in_the_brain_is_refused_by_its_name(located):
    with pytest.raises(BadImage, match="sub-01_T1w.nii.gz: has NaN or infinity in"):
        located(slice(40, 60))
