"""The whole participant level with quick stand-ins for the algorithms: what is tested is everything around them."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import DERIVATIVES, derivative_path
from cerebbids.cli import participant
from cerebbids.cli.run import main
from cerebbids.imaging.registration import AffineResult, Place
from cerebbids.imaging.template import template_t1w
from cerebbids.interfaces import images, register
from cerebbids.interfaces.predict import Predict
from tests.datasets import make_dataset, validator_errors

STAND_IN = Path(__file__).parents[1] / "standin" / "predict.py"
RESULT = AffineResult(np.eye(4), "stand-in", True, 1.0, 1.0, 1.0, ())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what takes long; worker processes are forked and so have the stand-ins too."""
    monkeypatch.setattr(participant, "bundle_sha256", lambda *_: "0" * 64)
    for step in ("denoise", "correct_bias"):
        monkeypatch.setattr(images, step, lambda image, *_: image)
    monkeypatch.setattr(register, "locate_brain", lambda *_: Place(np.eye(4), "stand-in"))
    monkeypatch.setattr(register, "register_to_mni", lambda *_: RESULT)
    monkeypatch.setattr(Predict, "_cmd", f"{sys.executable} {STAND_IN}")


@pytest.fixture(scope="module")
def brain() -> nib.Nifti1Image:
    """The template at 2 mm, in its own space."""
    template = template_t1w()
    data = (np.asarray(template.dataobj)[::2, ::2, ::2] * 1000).astype(np.int16)
    return nib.Nifti1Image(data, template.affine @ np.diag([2, 2, 2, 1]))


@pytest.fixture
def dataset(tmp_path: Path, brain: nib.Nifti1Image) -> Path:
    names = ("sub-01/ses-a/anat/sub-01_ses-a_run-01", "sub-broken/anat/sub-broken", "sub-killed/anat/sub-killed")
    root = make_dataset(tmp_path / "data", *names)
    for name in (names[0], names[2]):
        nib.save(brain, root / f"{name}_T1w.nii.gz")
    whole = (root / f"{names[0]}_T1w.nii.gz").read_bytes()
    (root / f"{names[1]}_T1w.nii.gz").write_bytes(whole[: len(whole) // 2])
    return root


def run(dataset: Path, *options: str) -> int:
    folder = dataset.parent
    arguments = [dataset, folder / "out", "participant", "-w", folder / "work", "--nprocs", "2", *options]
    return main([str(argument) for argument in arguments])


def test_one_image_done_one_broken_one_killed(quick, dataset, capsys):
    assert run(dataset) == 1
    out, err = dataset.parent / "out", capsys.readouterr()
    last = err.out.strip().splitlines()[-1]
    assert last.startswith("1 done, 2 failed: ")
    assert "sub-broken (" in last and "sub-killed (the network was killed, out of memory it seems)" in last
    assert "sub-broken_T1w.nii.gz: " in err.err and "give it more memory" in err.err
    source = dataset / "sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz"
    for key in DERIVATIVES:
        assert (out / derivative_path(source, key)).stat().st_size > 0
    assert list((out / "sub-killed" / "log").glob("*/crash-*predict*.txt"))
    assert list((out / "sub-broken" / "log").glob("*/cerebbids.toml"))
    assert validator_errors(out) == []

    dseg, t1w = nib.load(out / derivative_path(source, "dseg")), nib.load(source)
    assert dseg.shape == t1w.shape
    np.testing.assert_allclose(dseg.affine, t1w.affine, atol=1e-5)
    left = np.asarray(dseg.dataobj) == 3
    assert (dseg.affine[0] @ np.append(np.mean(np.argwhere(left), axis=0), 1)) < 0

    sidecar = out / str(derivative_path(source, "t1w")).replace(".nii.gz", ".json")
    assert json.loads(sidecar.read_text())["SkullStripped"] is True
    pages = {page.stem: page.read_text() for page in out.glob("sub-*.html")}
    assert set(pages) == {"sub-01", "sub-broken", "sub-killed"}
    assert "out of memory" in pages["sub-killed"] and "out of memory" not in pages["sub-01"]
    assert "denoised" in pages["sub-01"]


def test_same_command_again_takes_the_work_up_where_it_was(quick, dataset):
    run(dataset, "--participant-label", "01")
    folder = dataset.parent
    conformed = next((folder / "work").rglob("conform.nii"))
    made = conformed.stat().st_mtime_ns
    source = dataset / "sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz"
    lost = folder / "out" / derivative_path(source, "dseg")
    lost.unlink()
    assert run(dataset, "--participant-label", "01") == 0
    assert lost.exists()
    assert conformed.stat().st_mtime_ns == made


def test_dry_run_shows_outputs_and_makes_nothing(dataset, capsys):
    assert run(dataset, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "sub-01_ses-a_run-01_T1w.nii.gz" in shown
    assert "sub-01_ses-a_run-01_seg-Lobules_dseg.nii.gz" in shown
    assert not (dataset.parent / "out").exists() and not (dataset.parent / "work").exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--participant-label", "99"], "--participant-label 99: is not in the dataset; the dataset has"),
        (["--models-dir", "."], "model.toml"),
        (["--device", "cuda:99"], "--device cuda:99: PyTorch sees"),
    ],
)
def test_request_that_cannot_be_fulfilled_ends_with_code_2_and_one_line(dataset, options, line, capsys, monkeypatch):
    if "--models-dir" not in options:
        monkeypatch.setattr(participant, "bundle_sha256", lambda *_: "0" * 64)
    assert run(dataset, *options) == 2
    err = capsys.readouterr().err
    assert line in err and len(err.splitlines()) == 1
    assert not list(dataset.parent.glob("out/*"))


def test_output_that_cannot_be_written_is_named(dataset, capsys):
    work = str(dataset.parent / "work")
    assert main([str(dataset), "/proc/out", "participant", "-w", work]) == 2  # not even root may write there
    assert "/proc/out: cannot be written to" in capsys.readouterr().err


def test_program_runs_as_a_module():
    command = [sys.executable, "-m", "cerebbids", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("cerebbids ")
