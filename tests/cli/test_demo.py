import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from cerebbids.cli import demo, demo_heads
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from tests.datasets import make_dataset, validator_errors


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from cerebbids.cli.demo import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('heavy:', [m for m in ('numpy', 'nibabel', 'torch', 'nipype') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: cerebbids-demo" in done.stdout and "heavy: []" in done.stdout


@pytest.fixture(scope="module")
def other():
    return demo_heads.another_head(whole_head_template())


def test_second_head_is_another_but_the_same_every_time(other):
    again = demo_heads.another_head(whole_head_template())
    np.testing.assert_array_equal(other.get_fdata(), again.get_fdata())
    assert np.abs(nib.affines.obliquity(other.affine)).max() > np.deg2rad(10)
    np.testing.assert_allclose(nib.affines.voxel_sizes(other.affine), [1, 1, 1.2])


def test_second_head_keeps_its_left_and_right(other):
    head = whole_head_template()
    # A marker in the left eye's place must come out on the left, in front and about as far up.
    marked = np.zeros(head.shape, np.float32)
    where = np.array([-32.0, 55.0, -35.0])
    marked[tuple(np.rint(nib.affines.apply_affine(np.linalg.inv(head.affine), where)).astype(int))] = 1e6
    moved = demo_heads.another_head(nib.Nifti1Image(marked, head.affine))
    found = nib.affines.apply_affine(moved.affine, np.unravel_index(np.argmax(moved.get_fdata()), moved.shape))
    assert 0.5 < np.linalg.norm(found - where) < 15


def test_second_head_is_like_the_first_but_not_it(other):
    head = whole_head_template()
    near = resample(other, head.shape, head.affine).get_fdata()
    inside = head.get_fdata() > 1000
    assert 0.3 < np.corrcoef(near[inside], head.get_fdata()[inside])[0, 1] < 0.95


def test_dataset_is_bids_and_is_kept(tmp_path, monkeypatch, other):
    monkeypatch.setattr(demo_heads, "another_head", lambda head: other)
    subjects = demo_heads.make_dataset(tmp_path)
    assert subjects == ("sub-01", "sub-02")
    images = sorted(tmp_path.rglob("*.nii.gz"))
    assert [path.name for path in images] == ["sub-01_T1w.nii.gz", "sub-02_T1w.nii.gz"]
    assert all(nib.load(path).get_data_dtype() == np.int16 for path in images)
    before = [path.stat().st_mtime_ns for path in images]
    demo_heads.make_dataset(tmp_path)
    assert [path.stat().st_mtime_ns for path in images] == before  # or a second run would start anew
    assert validator_errors(tmp_path) == []


def test_folder_that_cannot_be_written_is_told_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert demo.main([str(tmp_path / "file" / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cerebbids: {tmp_path / 'file'}") and "mend it" in line


def test_dataset_of_the_user_is_left_alone(tmp_path, capsys):
    raw = make_dataset(tmp_path / "bids", "sub-01/anat/sub-01")
    before = {path: path.read_bytes() for path in raw.rglob("*.*")}
    assert demo.main([str(tmp_path)]) == 2
    assert "is there and not of the demonstration; choose another folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in raw.rglob("*.*")} == before


@pytest.mark.parametrize("code", [0, 1])
def test_demo_goes_through_the_public_door(tmp_path, monkeypatch, capsys, code):
    calls = []

    def cerebbids(arguments):
        calls.append(arguments)
        (tmp_path / "out" / "derivatives" / "sub-01.html").write_text("")
        return code

    (tmp_path / "out" / "derivatives").mkdir(parents=True)
    monkeypatch.setattr(demo_heads, "make_dataset", lambda folder: ("sub-01", "sub-02"))
    monkeypatch.setattr(demo, "cerebbids", cerebbids)
    assert demo.main([str(tmp_path / "out")]) == code
    (arguments,) = calls
    out = tmp_path / "out"
    assert arguments[:3] == [str(out / "bids"), str(out / "derivatives"), "participant"]
    said = capsys.readouterr().out
    assert f"Report: {out / 'derivatives' / 'sub-01.html'}" in said and "sub-02.html" not in said
    assert " s." in said.splitlines()[-1]
