from __future__ import annotations

import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.conform import check_image
from cerebbids.imaging.reading import READING_BYTES, count_voxels, open_image, read_voxels


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_looking_at_an_image_takes_no_more_memory_than_is_planned_for(tmp_path, dtype):
    image = nib.Nifti1Image(np.random.default_rng(0).random((100, 100, 100)) * 3000, np.eye(4))
    image.set_data_dtype(dtype)
    nib.save(image, tmp_path / "sub-01_T1w.nii.gz")
    tracemalloc.start()
    check_image(tmp_path / "sub-01_T1w.nii.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < READING_BYTES * image.dataobj.size + 5e6


@pytest.mark.parametrize("name", ["t1w.nii", "t1w.nii.gz"])
def test_voxels_read_are_one_s_own(tmp_path, name):
    path = tmp_path / name
    nib.save(nib.Nifti1Image(np.ones((64, 64, 64), np.float32), np.eye(4)), path)
    read_voxels(path, open_image(path))[:] = 2
    assert (read_voxels(path, open_image(path)) == 1).all()


def test_voxels_are_counted_without_reading_them(tmp_path):
    image = nib.Nifti1Image(np.ones((64, 65, 66), np.float32), np.eye(4))
    nib.save(image, tmp_path / "whole.nii")
    (tmp_path / "cut.nii").write_bytes((tmp_path / "whole.nii").read_bytes()[:400])
    (tmp_path / "text.nii").write_text("not an image")
    counts = [count_voxels(tmp_path / name) for name in ("whole.nii", "cut.nii", "text.nii", "none.nii")]
    assert counts == [64 * 65 * 66, 64 * 65 * 66, 0, 0]
