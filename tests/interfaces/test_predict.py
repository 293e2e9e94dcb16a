import json
import sys
from pathlib import Path

import nibabel as nib
import pytest
from nipype.interfaces.base import isdefined

from cerebbids.cli.job import read_job
from cerebbids.errors import CerebbidsError, ModelError, SegmentationFailed
from cerebbids.interfaces.predict import Predict
from cerebbids.interfaces.process import run_child
from tests.datasets import tiny_image

SCRIPT = """
import json, os, sys
job = json.load(open(sys.argv[2]))
{action}
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a prediction whose process does what one line of Python says."""
    nib.save(tiny_image(), tmp_path / "t1w.nii")
    (tmp_path / "xfm.txt").write_text("")

    def make(action: str, **inputs) -> Predict:
        (tmp_path / "child.py").write_text(SCRIPT.format(action=action))
        monkeypatch.setattr(Predict, "_command", (sys.executable, str(tmp_path / "child.py")))
        files = {"t1w": str(tmp_path / "t1w.nii"), "xfm": str(tmp_path / "xfm.txt")}
        known = {"system": "deepceres", "model_sha256": "0", "version": "1", "skull_stripped": False}
        return Predict(**files, **{**known, **inputs})

    return make


FACTS = {
    "model": "m",
    "weights_sha256": "0",
    "weights_licence": "CC0",
    "t2w": "synth",
    "icv_mm3": None,
    "tissues": {},
    "superresolved": True,
}


def writes(*more: str, **facts) -> str:
    """What a process does that ends well; its facts hold the job."""
    always = (
        "dseg.nii.gz",
        "dseg_mni.nii.gz",
        "mask.nii.gz",
        "confidence.nii.gz",
        "superres.nii.gz",
        "superres_mni.nii.gz",
    )
    carved = ("carved.nii.gz", "carved_fine.nii.gz", "carved_mni.nii.gz")
    names = (*always, *carved, "t2w.nii.gz", "t2w_mni.nii.gz", *more)
    return f"""
for name in {names}:
    open(os.path.join(job["out_dir"], name), "w").close()
json.dump({{**{FACTS | facts}, "job": job}}, open(os.path.join(job["out_dir"], "predict.json"), "w"))
"""


def test_process_gets_the_job_and_its_files_are_the_outputs(job, tmp_path):
    outputs = job(writes(), cpu_threads=3, device="cuda:1").run(cwd=str(tmp_path)).outputs
    spec = json.loads(Path(outputs.facts).read_text())["job"]
    assert (spec["cpu_threads"], spec["device"], spec["skull_stripped"]) == (3, "cuda:1", False)
    assert spec["models_dir"] is spec["t2w"] is spec["xfm_t2w"] is None
    assert Path(outputs.dseg) == tmp_path / "dseg.nii.gz"
    assert Path(outputs.superres) == tmp_path / "superres.nii.gz"


def test_the_process_can_read_the_job(job, tmp_path):
    job(writes(), t2w=str(tmp_path / "t1w.nii"), xfm_t2w=str(tmp_path / "xfm.txt")).run(cwd=str(tmp_path))
    read = read_job(tmp_path / "job.json")
    assert (read.t1w, read.t2w, read.models_dir) == (tmp_path / "t1w.nii", tmp_path / "t1w.nii", None)


def test_what_the_method_may_not_write_is_an_output_where_it_is_there(job, tmp_path):
    outputs = job(writes()).run(cwd=str(tmp_path)).outputs
    keys = ("vermis", "probseg", "atlas_mni")
    assert not any(isdefined(getattr(outputs, key)) for key in keys)
    files = {key: f"{key}.nii.gz" for key in keys}
    outputs = job(writes(*files.values()), save_probabilities=True).run(cwd=str(tmp_path)).outputs
    assert {key: Path(getattr(outputs, key)).name for key in keys} == files


@pytest.mark.parametrize(("kind", "there", "absent"), [("real", "t2w", "t2w_synth"), ("synth", "t2w_synth", "t2w")])
def test_a_real_t2w_and_a_synthetic_one_are_different_outputs(job, tmp_path, kind, there, absent):
    outputs = job(writes(t2w=kind)).run(cwd=str(tmp_path)).outputs
    assert Path(getattr(outputs, there)) == tmp_path / "t2w.nii.gz"
    assert Path(getattr(outputs, f"{there}_mni")) == tmp_path / "t2w_mni.nii.gz" == Path(outputs.t2w_fine)
    assert not isdefined(getattr(outputs, absent)) and not isdefined(getattr(outputs, f"{absent}_mni"))
    assert outputs.meta["CerebBIDS"]["t2w"] == kind


def test_there_is_a_cavity_only_where_one_was_found(job, tmp_path):
    assert not isdefined(job(writes()).run(cwd=str(tmp_path)).outputs.icv)
    outputs = job(writes("icv.nii.gz", icv_mm3=1.4e6), skull_stripped=False).run(cwd=str(tmp_path)).outputs
    assert Path(outputs.icv) == tmp_path / "icv.nii.gz"


def test_killed_process_is_said_to_lack_memory(job, tmp_path):
    with pytest.raises(CerebbidsError, match="t1w.nii: the network was killed, out of memory") as caught:
        job("os.kill(os.getpid(), 9)").run(cwd=str(tmp_path))
    assert type(caught.value) is CerebbidsError  # not the image's fault


def test_signal_that_ended_the_process_is_named_whatever_was_said_before(job, tmp_path):
    action = "print('warnings.warn(', file=sys.stderr, flush=True); os.kill(os.getpid(), 11)"
    with pytest.raises(CerebbidsError, match=r"t1w.nii: the network was ended by signal 11 \(Segmentation fault\);"):
        job(action).run(cwd=str(tmp_path))


@pytest.mark.parametrize("kind", [ModelError, SegmentationFailed])
def test_error_of_the_process_is_the_error_here(kind, job, tmp_path):
    line = f"cerebbids.errors.{kind.__name__}: model.toml: is missing; install it"
    with pytest.raises(kind) as caught:
        job(f"print('noise', {line!r}, 'more noise', sep=chr(10), file=sys.stderr); sys.exit(1)").run(cwd=str(tmp_path))
    assert str(caught.value) == "model.toml: is missing; install it"


def test_last_line_of_the_process_is_the_reason_when_it_knows_no_better(job, tmp_path):
    with pytest.raises(CerebbidsError, match="t1w.nii: ModuleNotFoundError: No module named 'nothing'; see the crash"):
        job("import nothing").run(cwd=str(tmp_path))


def test_process_that_hangs_is_ended_with_the_reason(job, tmp_path, monkeypatch):
    monkeypatch.setattr(Predict, "_hours", 1e-4)
    with pytest.raises(CerebbidsError, match="t1w.nii: the network hung for 0.0001 hours"):
        job("import time; time.sleep(3600)").run(cwd=str(tmp_path))


def test_interpreter_may_lie_in_a_folder_with_spaces_and_quotes(job, tmp_path, monkeypatch):
    predict = job("sys.exit('cerebbids.errors.SegmentationFailed: sub-1: is small; look')")
    python = tmp_path / "it's my" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(Predict, "_command", (str(python), str(tmp_path / "child.py")))
    with pytest.raises(SegmentationFailed, match="sub-1: is small; look"):
        predict.run(cwd=str(tmp_path))


def test_process_takes_no_module_from_the_folder_that_it_runs_in(tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('not mine')")
    ended = run_child([*Predict._command, "--help"], tmp_path, 600)
    assert (ended.code, ended.stderr) == (0, "")


def hash_of(predict: Predict) -> str:
    return predict.inputs.get_hashval()[1]


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "1"},
        {"version": "2"},
        {"system": "infant"},
        {"skull_stripped": True},
        {"t2w_required": True},
        {"method": "atlas"},
        {"flip": True},
        {"save_probabilities": True},
        {"t2w_meta": {"brain": 1.0}},
    ],
)
def test_another_model_or_version_makes_a_stale_result(job, change):
    assert hash_of(job("pass")) != hash_of(job("pass", **change))


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"cpu_threads": 8}, {"use_gpu": True}, {"models_dir": "/m"}])
def test_another_machine_or_place_of_the_same_model_does_not(job, change):
    assert hash_of(job("pass")) == hash_of(job("pass", **change))


def test_method_and_library_reach_the_process(job, tmp_path: Path):
    made = job(writes(), method="atlas", library=str(tmp_path)).run(cwd=str(tmp_path)).outputs
    told = json.loads(Path(made.facts).read_text())["job"]
    assert (told["method"], told["library"]) == ("atlas", str(tmp_path))
