"""The whole participant level with quick stand-ins for the algorithms: what is tested is everything around them."""

import hashlib
import json
import shutil
import signal
import time

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import DERIVATIVES, YIELDS, sidecar_path
from cerebbids.inference.models import packaged_models
from tests.app import Run, is_running, prepare, wait_for
from tests.datasets import make_output, validator_errors

GOOD = "sub-01/ses-a/anat/sub-01_ses-a_run-01"
BAD = ("broken", "killed", "implausible", "brainless", "twin")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, tuple[int, str, str]]:
    """One image that can be done, and one of every kind that cannot; of those at fault there are older results."""
    run = prepare(tmp_path_factory.mktemp("mixed"), GOOD, *(f"sub-{bad}/anat/sub-{bad}" for bad in BAD))
    whole = run.source(GOOD).read_bytes()
    run.source("broken").write_bytes(whole[: len(whole) // 2])
    shutil.copy(run.source("twin"), run.source("twin").with_suffix(""))
    make_output(run.out)
    for bad in set(BAD) - {"killed"}:
        for key in DERIVATIVES:
            run.path(bad, key).parent.mkdir(parents=True, exist_ok=True)
            run.path(bad, key).write_text("old")
            sidecar_path(run.path(bad, key)).write_text("{}")
    return run, run.run("--save-probabilities")


def test_last_line_counts_and_gives_reasons(mixed):
    _, (code, last, _) = mixed
    assert code == 1 and last.startswith("1 done, 6 failed: ")
    assert "sub-broken (" in last and "sub-killed (the network was killed, out of memory it seems)" in last


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("broken", "is truncated or damaged; copy"),
        ("killed", "the network was killed, out of memory it seems; give it more memory"),
        ("implausible", "the cerebellum found is implausible; look at the image"),
        ("brainless", "cannot be brought onto the template; look at it"),
        ("twin", "would share its outputs with sub-twin/anat/sub-twin_T1w.nii; rename or remove one"),
    ],
)
def test_failed_image_is_named_by_its_file_in_the_dataset(bad, reason, mixed):
    run, (_, _, err) = mixed
    line = f"sub-{bad}/anat/sub-{bad}_T1w.nii.gz: {reason}"
    assert [told for told in err.splitlines() if line in told]
    assert reason.split(";")[0] in (run.out / f"sub-{bad}.html").read_text()


def test_done_image_has_everything_and_the_dataset_is_valid(mixed):
    run, _ = mixed
    absent = {"t2w", "t2w_mni"}  # it is synthetic
    made = YIELDS["deepceres"] - absent
    assert {key for key in DERIVATIVES if run.path(GOOD, key).exists()} == made
    assert all(run.path(GOOD, key).stat().st_size for key in made)
    assert list((run.out / "sub-killed" / "log").glob("*/crash-*predict*.txt"))
    assert list((run.out / "sub-broken" / "log").glob("*/cerebbids.toml"))
    assert validator_errors(run.out) == []
    page = (run.out / "sub-01.html").read_text()
    assert "denoised" in page and "cerebbids model deepceres" in page and "out of memory" not in page


def test_labels_lie_on_the_grid_of_the_input(mixed):
    run, _ = mixed
    dseg, t1w = nib.load(run.path(GOOD, "dseg")), nib.load(run.source(GOOD))
    assert dseg.shape == t1w.shape
    np.testing.assert_allclose(dseg.affine, t1w.affine, atol=1e-5)
    left = np.asarray(dseg.dataobj) == 3
    assert (dseg.affine[0] @ np.append(np.mean(np.argwhere(left), axis=0), 1)) < 0
    assert json.loads(sidecar_path(run.path(GOOD, "t1w")).read_text())["SkullStripped"] is False


def test_image_at_fault_keeps_no_older_result(mixed):
    run, _ = mixed
    for bad in BAD:
        left = {key for key in DERIVATIVES if run.path(bad, key).exists()}
        made_now = {"t1w", "t1w_mni", "xfm_to_mni", "xfm_to_t1w", "figure_t1w"}
        assert left == (made_now if bad in ("killed", "implausible") else set()), bad
        assert all(run.path(bad, key).read_bytes() != b"old" for key in left)


def test_device_is_chosen_once_for_all(mixed):
    run, _ = mixed
    devices = {json.loads(job.read_text())["device"] for job in run.work.rglob("job.json")}
    assert len(devices) == 1 and devices <= {"cpu", "cuda:0"}


@pytest.mark.long
def test_same_command_again_takes_the_work_up_where_it_was(tmp_path):
    run = prepare(tmp_path, GOOD)
    models = shutil.copytree(packaged_models(), tmp_path / "models")
    weights = models / "deepceres" / "lobules.safetensors"

    def again(*options: str) -> list[int]:
        run.path(GOOD, "dseg").unlink(missing_ok=True)
        assert run.run(*options)[:2] == (0, "1 done, 0 failed")
        assert run.path(GOOD, "dseg").exists()
        return [next(run.work.rglob(name)).stat().st_mtime_ns for name in ("conform.nii", "predict.json")]

    first = again()
    assert again("--models-dir", str(models)) == first
    blob = weights.read_bytes()[:-1] + b"\1"
    toml = models / "deepceres" / "model.toml"
    text = toml.read_text().replace(hashlib.sha256(weights.read_bytes()).hexdigest(), hashlib.sha256(blob).hexdigest())
    for path, content in ((weights, blob), (toml, text.encode())):
        path.unlink()
        path.write_bytes(content)
    other = again("--models-dir", str(models))
    assert other[0] == first[0] and other[1] > first[1]
    toml.write_text(toml.read_text().replace('version = "', 'version = "1'))
    assert again()[0] == first[0] and again()[1] > other[1]


def test_scheduler_s_signal_ends_everything_with_a_report_and_a_last_line(tmp_path):
    run = prepare(tmp_path, "sub-slow/anat/sub-slow")
    make_output(run.out)
    old = run.path("slow", "dseg")
    old.parent.mkdir(parents=True)
    old.write_text("old")
    process = run.start()
    begun = wait_for(lambda: [path for path in run.work.rglob("begun.txt") if path.read_text()], process)
    child = int(begun[0].read_text())
    assert is_running(child)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 143
    assert out.strip().splitlines()[-1] == "0 done, 1 failed: sub-slow (was interrupted)"
    assert "Traceback" not in err
    assert "was interrupted" in (run.out / "sub-slow.html").read_text()
    assert old.read_text() == "old"  # nothing is known against it
    while is_running(child):  # the system is about to end it
        time.sleep(0.1)
