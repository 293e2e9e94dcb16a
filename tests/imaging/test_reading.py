from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage, CerebbidsError
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
    change_header(tmp_path / "whole.nii", tmp_path / "odd.nii", vox_offset=np.inf)
    counts = [count_voxels(tmp_path / name) for name in ("whole.nii", "cut.nii", "text.nii", "none.nii", "odd.nii")]
    assert counts == [64 * 65 * 66, 64 * 65 * 66, 0, 0, 0]


def change_header(source: Path, target: Path, **fields: object) -> None:
    """Copy an uncompressed image, its header changed in ways that nibabel would not allow."""
    content = bytearray(source.read_bytes())
    header = np.frombuffer(content, nib.nifti1.header_dtype, count=1)
    for name, value in fields.items():
        header[name] = value
    target.write_bytes(content)


@pytest.mark.parametrize(
    "fields",
    [
        {"vox_offset": np.inf},
        {"vox_offset": np.nan},
        {"sform_code": 0, "qform_code": 1, "quatern_b": 1, "quatern_c": 1, "quatern_d": 1},
    ],
)
def test_header_with_impossible_numbers_is_told_with_what_to_repair(tmp_path, fields):
    nib.save(nib.Nifti1Image(np.ones((64, 64, 64), np.float32), np.eye(4)), tmp_path / "t1w.nii")
    change_header(tmp_path / "t1w.nii", tmp_path / "odd.nii", **fields)
    with pytest.raises(BadImage, match="odd.nii: has a header with impossible numbers .*repair its qform"):
        check_image(tmp_path / "odd.nii")


@pytest.mark.parametrize("name", ["t1w.nii", "t1w.nii.gz"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_not_held_against_the_image(tmp_path, monkeypatch, name, code):
    path = tmp_path / name
    nib.save(nib.Nifti1Image(np.ones((64, 64, 64), np.float32), np.eye(4)), path)
    image = open_image(path)

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(nib, "load", refuse)
    monkeypatch.setattr(type(image.dataobj), "__array__", refuse)
    for read in (lambda: open_image(path), lambda: read_voxels(path, image)):
        with pytest.raises(
            CerebbidsError, match=rf"{name}: cannot be read \({os.strerror(code)}\); mend its"
        ) as caught:
            read()
        assert not isinstance(caught.value, BadImage)
