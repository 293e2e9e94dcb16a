from __future__ import annotations

import errno
import gzip
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


@pytest.fixture
def whole(tmp_path) -> Path:
    """An image that nothing is wrong with; only its qform tells its grid."""
    image = nib.Nifti1Image(np.random.default_rng(0).random((64, 64, 64)).astype(np.float32), np.eye(4))
    image.set_sform(None, 0)
    image.set_qform(np.eye(4), 1)
    nib.save(image, tmp_path / "whole.nii")
    return tmp_path / "whole.nii"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sform_code": 77}, "has an sform_code of 77, which NIfTI does not know; set it to 1, or to 0"),
        ({"pixdim": (-2, 1, 1, 1, 1, 1, 1, 1)}, r"has a pixdim\[0\] of -2, which leaves open which side is left"),
        ({"vox_offset": 16}, r"impossible numbers \(vox offset 16 too low"),
        ({"scl_slope": 1, "scl_inter": np.nan}, r"impossible numbers \(Valid slope but invalid intercept"),
    ],
)
def test_header_that_programs_read_in_different_ways_is_refused(whole, fields, reason):
    change_header(whole, whole.with_name("odd.nii"), **fields)
    with pytest.raises(BadImage, match=f"odd.nii: .*{reason}"):
        open_image(whole.with_name("odd.nii"))


def test_codes_and_signs_that_all_programs_read_alike_are_accepted(whole):
    for sign, sform_code in ((0, 0), (0.5, -1), (-1, 0), (np.nan, 5)):
        change_header(whole, whole, pixdim=(sign, *[1] * 7), sform_code=sform_code, srow_x=(1, 0, 0, 0))
        change_header(whole, whole, srow_y=(0, 1, 0, 0), srow_z=(0, 0, 1, 0))
        check_image(whole)


@pytest.mark.parametrize("name", ["huge.nii", "huge.nii.gz"])
def test_header_that_tells_of_more_than_there_is_asks_for_no_memory(whole, name):
    huge = whole.with_name("huge.nii")
    change_header(whole, huge, dim=(3, 30000, 30000, 30000, 1, 1, 1, 1))
    whole.with_name("huge.nii.gz").write_bytes(gzip.compress(huge.read_bytes(), 1))
    tracemalloc.start()
    with pytest.raises(BadImage, match="is truncated or damaged .its header tells of more than there is"):
        check_image(whole.with_name(name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e7


@pytest.mark.parametrize("pages", [1, 1e12])
def test_image_that_does_not_fit_into_memory_is_no_bad_image(whole, monkeypatch, pages):
    image = open_image(whole)

    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(os, "sysconf", lambda _: pages)
    monkeypatch.setattr(type(image.dataobj), "__array__", refuse)
    with pytest.raises(CerebbidsError, match="whole.nii: needs more memory to be read than there is; give") as caught:
        read_voxels(whole, image)
    assert not isinstance(caught.value, BadImage)


@pytest.mark.parametrize("place", [30, 60, 200])
def test_damage_at_the_beginning_of_a_packed_file(whole, place):
    packed = whole.with_name("packed.nii.gz")
    content = bytearray(gzip.compress(whole.read_bytes(), 1))
    content[place : place + 20] = b"\xff" * 20
    packed.write_bytes(content)
    with pytest.raises(BadImage, match="packed.nii.gz: is (not a NIfTI image|truncated or damaged); copy"):
        check_image(packed)


def test_half_of_a_pair_is_told(whole):
    image = nib.load(whole)
    nib.save(nib.Nifti1Pair(image.dataobj, image.affine), whole.with_name("pair.img"))
    check_image(whole.with_name("pair.hdr"))
    whole.with_name("pair.img").unlink()
    with pytest.raises(BadImage, match="pair.hdr: has no pair.img beside it; copy both"):
        check_image(whole.with_name("pair.hdr"))


@pytest.mark.parametrize("cut", [slice(-8, -4), slice(-4, None), slice(5000, 5001)])
def test_packed_file_with_another_checksum_is_damaged(whole, cut):
    packed = whole.with_name("packed.nii.gz")
    content = bytearray(gzip.compress(whole.read_bytes(), 0))  # the voxels as they are
    content[cut] = bytes(byte ^ 1 for byte in content[cut])
    packed.write_bytes(content)
    with pytest.raises(BadImage, match="packed.nii.gz: is truncated or damaged; copy"):
        check_image(packed)
    packed.write_bytes(gzip.compress(whole.read_bytes()[:9000]) + gzip.compress(whole.read_bytes()[9000:]))
    check_image(packed)


def test_name_of_another_format_is_left_to_no_other_reader(tmp_path):
    for name in ("t1w.mgz", "t1w.mnc", "t1w.par"):
        (tmp_path / name).write_bytes(gzip.compress(b"none of these"))
        with pytest.raises(BadImage, match=f"{name}: is not a NIfTI image; convert"):
            check_image(tmp_path / name)


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


def test_volumes_are_counted_and_read_together(tmp_path):
    path, axes = tmp_path / "probseg.nii.gz", np.diag([1.5, 1.5, 1.5, 1])
    shares = np.random.default_rng(0).random((24, 25, 26, 4)).astype(np.float32)
    nib.save(nib.Nifti1Image(shares, axes), path)
    np.testing.assert_array_equal(read_voxels(path, open_image(path, 0, 4)), shares)
    for volumes, told in ((1, "not 3D"), (3, "not 3 volumes")):
        with pytest.raises(BadImage, match=told):
            open_image(path, 0, volumes)
    nib.save(nib.Nifti1Image(shares[..., 0], axes), path)
    with pytest.raises(BadImage, match="not 4 volumes"):
        open_image(path, 0, 4)
