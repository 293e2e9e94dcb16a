"""The whole participant level with quick stand-ins for the algorithms: what is tested is everything around them."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import DERIVATIVES, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.cli import execute, participant
from cerebbids.cli.plan import output_paths
from cerebbids.cli.run import main
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, CerebbidsError, RegistrationFailed, SegmentationFailed, Unfinished
from cerebbids.files import write_text
from cerebbids.imaging.template import template_t1w
from cerebbids.inference.models import packaged_models
from tests.datasets import make_dataset, make_output, validator_errors

QUICK = Path(__file__).parents[1] / "standin" / "quick.py"
REPOSITORY = Path(__file__).parents[2]
GOOD = "sub-01/ses-a/anat/sub-01_ses-a_run-01"
BAD = ("broken", "killed", "implausible", "brainless", "twin")


@dataclass(frozen=True)
class Run:
    """A dataset and what became of it."""

    raw: Path
    out: Path
    work: Path

    def source(self, name: str) -> Path:
        """Path of an image; a name is that of `make_dataset` or a participant's label."""
        name = name if "/" in name else f"sub-{name}/anat/sub-{name}"
        return self.raw / f"{name}_T1w.nii.gz"

    def path(self, name: str, key: str) -> Path:
        """Path of a derivative."""
        return self.out / derivative_path(self.source(name), key)

    def arguments(self, *options: str) -> list[str]:
        """Command line."""
        return [*map(str, (self.raw, self.out, "participant", "-w", self.work, "--nprocs", "2")), *options]

    def start(self, *options: str) -> subprocess.Popen:
        """Start the program, with the stand-ins, in a process of its own."""
        command = [sys.executable, "-W", "ignore", str(QUICK), *self.arguments(*options)]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *options: str) -> tuple[int, str, str]:
        """Run the program to its end: exit code, last line, what it said on standard error."""
        process = self.start(*options)
        out, err = process.communicate()
        return process.returncode, out.strip().splitlines()[-1], err


def prepare(folder: Path, *names: str) -> Run:
    """Make a dataset of template brains at 2 mm."""
    run = Run(make_dataset(folder / "data", *names), folder / "out", folder / "work")
    template = template_t1w()
    data = (np.asarray(template.dataobj)[::2, ::2, ::2] * 1000).astype(np.int16)
    for name in names:
        nib.save(nib.Nifti1Image(data, template.affine @ np.diag([2, 2, 2, 1])), run.source(name))
    return run


@pytest.fixture
def dataset(tmp_path: Path) -> Run:
    names = ("sub-01/anat/sub-01", "sub-02/anat/sub-02")
    return Run(make_dataset(tmp_path / "data", *names), tmp_path / "out", tmp_path / "work")


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
    assert {key for key in DERIVATIVES if not run.path(GOOD, key).exists()} == absent
    assert all(run.path(GOOD, key).stat().st_size for key in DERIVATIVES.keys() - absent)
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


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> object:
    """Wait until something is so; a program that ended will not bring it about any more."""
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waiting to be forgotten."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


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
    assert process.returncode == 130
    assert out.strip().splitlines()[-1] == "0 done, 1 failed: sub-slow (was interrupted)"
    assert "Traceback" not in err
    assert "was interrupted" in (run.out / "sub-slow.html").read_text()
    assert old.read_text() == "old"  # nothing is known against it
    while is_running(child):  # the system is about to end it
        time.sleep(0.1)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch, dataset: Run) -> None:
    """Let every image be done at once, in the output folder of an earlier run."""
    make_output(dataset.out)
    monkeypatch.setattr(participant, "refused_images", lambda *_: ())
    monkeypatch.setattr(participant, "choose_device", lambda _: "cpu")
    monkeypatch.setattr(execute, "execute", lambda *_: execute.Outcome({}, {}))


@pytest.mark.parametrize("kind", [BadImage, RegistrationFailed, SegmentationFailed, CerebbidsError, Unfinished])
def test_older_results_go_only_when_the_image_is_at_fault(kind, no_work, dataset, monkeypatch):
    failures = {f"sub-{label}": kind(f"sub-{label}", "is odd", "look") for label in ("01", "02")}
    monkeypatch.setattr(execute, "execute", lambda *_: execute.Outcome(failures, dict.fromkeys(failures, {"mask"})))
    for key in ("xfm_to_mni", "mask"):
        write_text(dataset.path("01", key), "old")
    assert main(dataset.arguments()) == 1
    assert dataset.path("01", "xfm_to_mni").exists() is (kind in (CerebbidsError, Unfinished))
    assert dataset.path("01", "mask").exists()


def test_older_results_stay_when_the_image_is_not_there_at_the_moment(no_work, dataset, monkeypatch):
    monkeypatch.setattr(participant, "refused_images", lambda images, *_: [(images[0], BadImage("1", "is not", "get"))])
    source = dataset.source("01")
    source.unlink()
    source.symlink_to("dropped")
    write_text(dataset.path("01", "mask"), "old")
    assert main(dataset.arguments()) == 1
    assert dataset.path("01", "mask").exists()


def corrected(run: Run, label: str) -> dict[Path, bytes]:
    """Leave results of which a map was corrected by hand; give all that is there."""
    write_text(run.path(label, "mask"), "old")
    write_text(run.path(label, "dseg"), "corrected")
    write_text(sidecar_path(run.path(label, "dseg")), '{"CerebBIDS": {"corrected": true}}')
    return {run.path(label, key): run.path(label, key).read_bytes() for key in ("mask", "dseg")}


BY_HAND = "was corrected by hand, and a run would replace it"


def test_image_corrected_by_hand_is_refused_before_anything_and_the_others_are_done(
    no_work, dataset, capsys, monkeypatch
):
    done = []
    monkeypatch.setattr(execute, "execute", lambda *call: done.extend(call[2]) or execute.Outcome({}, {}))
    monkeypatch.setattr(
        participant, "refused_images", lambda images, *_: [(each, BadImage("1", "is", "x")) for each in images[:-1]]
    )  # that is, of the first image if it came so far
    before = corrected(dataset, "01")
    assert main(dataset.arguments()) == 1
    said = capsys.readouterr()
    (line,) = (line for line in said.err.splitlines() if "sub-01" in line)
    assert line == (
        f"sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: {BY_HAND}; move it away, or count again with cerebbids-tables"
    )
    assert said.out.strip().splitlines()[-1] == f"1 done, 1 failed: sub-01 ({BY_HAND})"
    assert [image.subject for image in done] == ["02"]
    assert {path: path.read_bytes() for path in before} == before
    page = (dataset.out / "sub-01.html").read_text()
    assert line in page and "<dt>Corrected by hand</dt><dd>seg-Lobules</dd>" in page
    dataset.path("01", "dseg").rename(dataset.out.parent / "away.nii.gz")
    done.clear()
    monkeypatch.setattr(participant, "refused_images", lambda *_: ())
    assert main(dataset.arguments()) == 0 and len(done) == 2


def test_nothing_corrected_by_hand_is_removed_when_its_image_fails(no_work, dataset, capsys, monkeypatch):
    """As when it is corrected while the run goes on, or when another image has the same name."""
    before = {}

    def fail(*_):
        before.update(corrected(dataset, "01"))
        failures = {"sub-01": SegmentationFailed("sub-01", "is odd", "look")}
        return execute.Outcome(failures, dict.fromkeys(failures, frozenset()))

    monkeypatch.setattr(execute, "execute", fail)
    shutil.copy(dataset.source("02"), dataset.source("02").with_suffix(""))
    before |= corrected(dataset, "02")
    assert main(dataset.arguments()) == 1
    assert {path: path.read_bytes() for path in before} == before and len(before) == 4
    said = capsys.readouterr().err
    for label in ("01", "02"):
        kept = f"; all that was made of sub-{label}/anat/sub-{label}_T1w.nii.gz before is kept"
        assert f"sub-{label}/anat/sub-{label}_seg-Lobules_dseg.nii.gz: {BY_HAND}{kept}" in said


def test_map_of_which_nobody_can_tell_whether_it_was_corrected_is_told(no_work, dataset, capsys):
    write_text(dataset.path("01", "dseg"), "old")
    assert main(dataset.arguments()) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: has no hash in its sidecar, so that nobody can")


def test_page_that_cannot_be_written_is_told_and_the_others_are(no_work, dataset, capsys):
    (dataset.out / "sub-01.html").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("2 done, 1 failed: sub-01.html (could not be written")
    assert "sub-01.html: could not be written" in told.err and "Traceback" not in told.err
    assert (dataset.out / "sub-02.html").is_file()


def test_participant_without_an_image_has_a_page_that_says_so(no_work, dataset):
    (dataset.raw / "sub-03" / "func").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    assert "has no T1w image" in (dataset.out / "sub-03.html").read_text()


def test_folder_that_cannot_be_written_fails_its_images_and_no_other(no_work, dataset, capsys):
    (dataset.out / "sub-01").write_text("not a folder")
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("1 done, 1 failed: sub-01 (has outputs that cannot be written")
    assert "Traceback" not in told.err


def test_older_output_that_cannot_be_removed_is_told_and_keeps_nobody_back(no_work, dataset, capsys, monkeypatch):
    def refuse(images, *_):
        yield images[0], BadImage(images[0].relative, "is empty", "copy it again")

    monkeypatch.setattr(participant, "refused_images", refuse)
    dataset.path("01", "dseg").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1] == "1 done, 1 failed: sub-01 (is empty)"
    assert "_dseg.nii.gz: is out of date and cannot be removed" in told.err and "Traceback" not in told.err


def test_full_disk_in_the_middle_still_gives_reports_and_the_last_line(no_work, dataset, capsys):
    (dataset.out / "logs").write_text("not a folder")
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("0 done, 2 failed: sub-01 (was not finished (FileExistsError")
    assert "Traceback" not in told.err
    assert (dataset.out / "sub-02.html").is_file()


def test_full_disk_at_the_start_is_one_line(no_work, dataset, capsys):
    (dataset.out / "README.md").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cerebbids: /") and "Is a directory; mend it" in line


def test_interruption_while_images_are_looked_at_is_told_too(no_work, dataset, capsys, monkeypatch):
    def interrupt(*_):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(participant, "refused_images", interrupt)
    before = signal.getsignal(signal.SIGTERM)
    assert main(dataset.arguments()) == 130
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("0 done, 2 failed: sub-01 (was interrupted)")
    assert signal.getsignal(signal.SIGTERM) == before


def test_dry_run_shows_outputs_and_makes_nothing(dataset, capsys):
    for name in ("space", "tse"):
        shutil.copy(dataset.source("02"), dataset.raw / f"sub-02/anat/sub-02_acq-{name}_T2w.nii.gz")
    assert main(dataset.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "sub-01_T1w.nii.gz" in shown and "sub-02_acq-space_T2w.nii.gz (first of 2)" in shown
    assert "sub-01_seg-Lobules_dseg.nii.gz" in shown
    assert not dataset.out.exists() and not dataset.work.exists()


def test_dry_run_says_which_images_were_corrected_by_hand(dataset, capsys):
    corrected(dataset, "01")
    assert main(dataset.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert f"sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: {BY_HAND}" in shown and "none: was corrected" in shown
    assert "sub-02_seg-Lobules_dseg.nii.gz" in shown


def test_dry_run_reads_no_label_map(dataset, capsys):
    write_text(dataset.path("01", "dseg"), "not an image")
    write_text(sidecar_path(dataset.path("01", "dseg")), '{"CerebBIDS": {"labels_sha256": "of other voxels"}}')
    assert main(dataset.arguments("--dry-run")) == 0
    said = capsys.readouterr()
    assert "sub-01_seg-Lobules_dseg.nii.gz" in said.out and "by hand" not in said.out + said.err


def test_dry_run_says_which_images_would_make_nothing(dataset, capsys):
    shutil.copy(dataset.source("02"), dataset.raw / "sub-02/anat/sub-02_T2w.nii.gz")
    assert main(dataset.arguments("--dry-run", "--t2w", "real")) == 0
    shown = capsys.readouterr().out
    assert "none: has no T2w image of its session" in shown
    assert "sub-02_seg-Lobules_dseg.nii.gz" in shown and "sub-01_seg-Lobules_dseg.nii.gz" not in shown


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--participant-label", "99"], "--participant-label 99: is not in the dataset; the dataset has"),
        (["--models-dir", "."], "model.toml"),
        (["--method", "atlas", "--library", "."], ": holds no library (no library.toml); make one with"),
        (["--device", "cuda:99"], "--device cuda:99: torch sees"),
    ],
)
def test_request_that_cannot_be_fulfilled_ends_with_code_2_and_one_line(dataset, options, line, capsys):
    assert main(dataset.arguments(*options)) == 2
    err = capsys.readouterr().err
    assert line in err and len(err.splitlines()) == 1
    assert not list(dataset.out.parent.glob("out/*"))


def test_output_that_cannot_be_written_is_named(dataset, capsys):
    work = str(dataset.work)
    assert main([str(dataset.raw), "/proc/out", "participant", "-w", work]) == 2  # not even root may write there
    assert "/proc/out: cannot be written to" in capsys.readouterr().err


def test_program_runs_as_a_module():
    command = [sys.executable, "-m", "cerebbids", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("cerebbids ")


def test_plan_lists_no_file_that_the_choices_do_not_yield():
    image = SourceImage(Path("/d/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")
    plain = RunConfig(Path("/d"), Path("/o"), Path("/w"))
    default, fast, probable = (
        {path.name for path in output_paths(image, config)}
        for config in (plain, replace(plain, method="fast"), replace(plain, save_probabilities=True))
    )
    assert default - fast == {"sub-1_seg-LobulesVermis_dseg.nii.gz", "sub-1_seg-LobulesVermis_morph.tsv"}
    assert probable - default == {"sub-1_seg-Lobules_probseg.nii.gz"} and fast <= default <= probable
