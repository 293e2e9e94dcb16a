import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import DERIVATIVES, OPTIONAL, derivative_path
from cerebbids.imaging.antsio import to_ants, with_data
from cerebbids.imaging.conform import conform
from cerebbids.imaging.labelmaps import labels_sha256
from cerebbids.interfaces.sink import DerivativesDataSink
from tests.datasets import make_dataset, tiny_image
from tests.imaging.phantoms import blobs, oblique

STEM = "sub-01/ses-a/anat/sub-01_ses-a_acq-x_rec-y_run-02"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    out = tmp_path / "out"
    out.mkdir()
    raw = make_dataset(tmp_path / "raw", STEM)
    return {"base_directory": str(out), "source_file": str(raw / f"{STEM}_T1w.nii.gz")}


@pytest.mark.parametrize("key", DERIVATIVES)
def test_file_goes_where_the_table_of_names_says(key, places, tmp_path):
    extension = DERIVATIVES[key].get("extension", ".nii")
    result = tmp_path / f"result{extension}"
    if extension == ".nii":
        nib.save(tiny_image(), result)
    else:
        result.write_text("text")
    DerivativesDataSink(key, in_file=str(result), **places).run(cwd=str(tmp_path))
    written = [path for path in Path(places["base_directory"]).rglob("*") if path.is_file()]
    expected = Path(places["base_directory"]) / derivative_path(places["source_file"], key)
    assert written == [expected]
    if extension != ".nii":
        assert expected.read_text() == "text"


def test_labels_keep_grid_and_values_and_are_uint8(places, tmp_path):
    labels = np.zeros((8, 9, 10), np.int16)
    labels[1, 2, 3], labels[4, 4, 4] = 113, 7
    affine = tiny_image().affine
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "dseg.nii.gz")
    sink = DerivativesDataSink("dseg", in_file=str(tmp_path / "dseg.nii.gz"), **places)
    written = nib.load(sink.run(cwd=str(tmp_path)).outputs.out_file)
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)
    np.testing.assert_allclose(written.affine, affine, atol=1e-5)


def scaled(affine: np.ndarray, path: Path, code: int) -> np.ndarray:
    """Save int16 voxels with a scale factor; give what is stored."""
    stored = np.arange(720, dtype=np.int16).reshape(8, 9, 10)
    image = nib.Nifti1Image(stored, affine)
    image.header.set_slope_inter(0.05, 7)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code)
    image.set_sform(affine, code)
    nib.save(image, path)
    return stored


@pytest.mark.parametrize("key", ["superres_mni", "t2w_mni", "t2w_synth_mni", "superres", "t2w", "t2w_synth"])
@pytest.mark.parametrize("code", [1, 4])
def test_scaled_voxels_stay_as_they_are_stored(key, code, places, tmp_path):
    affine = np.diag([0.5, 0.5, 0.5, 1])
    stored = scaled(affine, tmp_path / "fine.nii.gz", code)
    sink = DerivativesDataSink(key, in_file=str(tmp_path / "fine.nii.gz"), **places)
    target = Path(sink.run(cwd=str(tmp_path)).outputs.out_file)
    written, in_template = nib.load(target), key.endswith("_mni")
    assert written.get_data_dtype() == np.int16
    np.testing.assert_array_equal(written.dataobj.get_unscaled(), stored)
    np.testing.assert_allclose((written.dataobj.slope, written.dataobj.inter), (0.05, 7))
    assert int(written.header["sform_code"]) == (4 if in_template else code)
    np.testing.assert_array_equal(written.affine, affine)
    if code == 4 or not in_template:
        assert target.read_bytes() == (tmp_path / "fine.nii.gz").read_bytes()


@pytest.mark.parametrize("key", sorted(OPTIONAL))
def test_what_is_not_there_is_removed_and_not_written(key, places, tmp_path):
    target = Path(places["base_directory"]) / derivative_path(places["source_file"], key)
    beside = target.with_name("other.json")
    DerivativesDataSink(key, **places).run(cwd=str(tmp_path))
    assert not target.parent.exists()
    target.parent.mkdir(parents=True)
    for path in (target, target.with_name(f"{target.name.split('.')[0]}.json"), beside):
        path.touch()
    DerivativesDataSink(key, **places).run(cwd=str(tmp_path))
    assert list(target.parent.iterdir()) == [beside]


def test_what_has_to_be_there_is_missed(places, tmp_path):
    with pytest.raises(ValueError, match="no dseg to write"):
        DerivativesDataSink("dseg", **places).run(cwd=str(tmp_path))


SHAPE = (36, 40, 32)
GRID = oblique((2.0, 2.2, 2.4), (40, -50, 90))


def written(key: str, source: nib.Nifti1Image, places: dict[str, str], folder: Path) -> Path:
    """Conform an image and write it, or labels on its grid, as the derivative of a key."""
    nib.save(source, folder / "source.nii.gz")
    conformed = conform(folder / "source.nii.gz").image
    made = conformed if key == "t1w" else with_data(conformed, np.ones(SHAPE, np.uint8))
    nib.save(made, folder / "made.nii")
    sink = DerivativesDataSink(key, in_file=str(folder / "made.nii"), **places)
    return Path(sink.run(cwd=str(folder)).outputs.out_file)


@pytest.mark.parametrize("key", ["t1w", "dseg", "mask"])
@pytest.mark.parametrize("sform_code", [1, 2, 4])
def test_ants_reads_the_grid_of_the_sform_whatever_else_the_file_said(key, sform_code, places, tmp_path):
    image = blobs(SHAPE, GRID)
    moved = GRID.copy()
    moved[0, 3] += 20
    image.set_sform(GRID, sform_code)
    image.set_qform(moved, 1)
    image.header["pixdim"][1:4] = 1
    target = written(key, image, places, tmp_path)
    np.testing.assert_array_equal(nib.load(target).affine, nib.load(tmp_path / "source.nii.gz").affine)
    seen, expected = ants.image_read(str(target)), to_ants(nib.Nifti1Image(np.zeros(SHAPE, np.float32), GRID))
    np.testing.assert_allclose(seen.spacing, expected.spacing, rtol=1e-5)
    np.testing.assert_allclose(seen.direction, expected.direction, atol=1e-5)
    np.testing.assert_allclose(seen.origin, expected.origin, atol=1e-3)


def test_a_sheared_grid_gets_no_qform_that_would_displace_it(places, tmp_path):
    shear = np.eye(4)
    shear[0, 1] = 0.1
    target = written("dseg", nib.Nifti1Image(blobs(SHAPE, GRID).get_fdata(), shear @ GRID), places, tmp_path)
    header = nib.load(target).header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 1)
    np.testing.assert_allclose(nib.load(target).affine, shear @ GRID, atol=1e-4)


def test_working_space_counts_as_a_standard_one(places, tmp_path):
    nib.save(tiny_image(), tmp_path / "t1w.nii")
    sink = DerivativesDataSink("t1w_mni", in_file=str(tmp_path / "t1w.nii"), **places)
    assert int(nib.load(sink.run(cwd=str(tmp_path)).outputs.out_file).header["sform_code"]) == 4


def test_sidecar_joins_what_was_known_before_with_what_was_found(places, tmp_path):
    nib.save(tiny_image(), tmp_path / "t1w.nii")
    known = {"Description": "clean"}
    found = {"SkullStripped": True}
    sink = DerivativesDataSink("t1w", in_file=str(tmp_path / "t1w.nii"), meta_dict=found, **known, **places)
    sidecar = Path(sink.run(cwd=str(tmp_path)).outputs.out_file.replace(".nii.gz", ".json"))
    assert json.loads(sidecar.read_text()) == {"Description": "clean", "SkullStripped": True}


@pytest.mark.parametrize("key", ["dseg", "carved_mni", "mask"])
def test_hash_of_labels_is_beside_them_and_nowhere_else(key, places, tmp_path):
    nib.save(tiny_image(), tmp_path / "made.nii")
    sink = DerivativesDataSink(key, in_file=str(tmp_path / "made.nii"), meta_dict={"CerebBIDS": {"a": 1}}, **places)
    target = Path(sink.run(cwd=str(tmp_path)).outputs.out_file)
    told = json.loads(Path(str(target).replace(".nii.gz", ".json")).read_text())["CerebBIDS"]
    labels = np.asarray(nib.load(target).dataobj)
    assert told == {"a": 1, **({} if key == "mask" else {"labels_sha256": labels_sha256(labels)})}


def test_labels_as_they_were_written_are_no_younger_than_their_sidecar(places, tmp_path, monkeypatch):
    def take_long(source: Path, target: Path, copyfile: Callable[..., object] = shutil.copyfile) -> None:
        time.sleep(0.05)
        copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", take_long)
    nib.save(tiny_image(), tmp_path / "made.nii")
    sink = DerivativesDataSink("dseg", in_file=str(tmp_path / "made.nii"), meta_dict={"a": 1}, **places)
    target = Path(sink.run(cwd=str(tmp_path)).outputs.out_file)
    labels, sidecar = target.stat(), Path(str(target).replace(".nii.gz", ".json")).stat()
    assert labels.st_mtime_ns <= sidecar.st_mtime_ns and labels.st_ctime_ns <= sidecar.st_ctime_ns


def write_twice(places: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> Path:
    """Write a table twice with different sidecars, the second time with a disk that fails at one of the files."""
    replace, copyfile = os.replace, shutil.copyfile

    def give_up(done: Callable[..., object]) -> Callable[..., object]:
        def step(source: Path, target: Path) -> None:
            if str(target).endswith(failing):
                raise OSError(errno.EIO, "disk failure")
            done(source, target)

        return step

    for turn in ("old", "new"):
        (folder / "morph.tsv").write_text(turn)
        sink = DerivativesDataSink("morph", in_file=str(folder / "morph.tsv"), meta_dict={"Turn": turn}, **places)
        if turn == "new":
            monkeypatch.setattr(os, "replace", give_up(replace))
            monkeypatch.setattr(shutil, "copyfile", give_up(copyfile))
            with pytest.raises(OSError, match="disk failure"):
                sink.run(cwd=str(folder))
        else:
            target = Path(sink.run(cwd=str(folder)).outputs.out_file)
    return target


def test_file_that_could_not_be_copied_leaves_the_older_pair_as_it_was(places, tmp_path, monkeypatch):
    target = write_twice(places, tmp_path, monkeypatch, "_morph.tsv")
    assert target.read_text() == "old"
    assert json.loads(target.with_suffix(".json").read_text())["Turn"] == "old"
    assert len(os.listdir(target.parent)) == 2


def test_file_whose_sidecar_could_not_be_written_has_none(places, tmp_path, monkeypatch):
    target = write_twice(places, tmp_path, monkeypatch, "_morph.json")
    assert target.read_text() == "new"
    assert os.listdir(target.parent) == [target.name]
