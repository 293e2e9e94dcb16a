"""A run that was killed, wherever that was, ends like one that was not, and does no finished step again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from cerebbids.cli.records import HALF
from tests.app import Run, prepare, wait_for

pytestmark = pytest.mark.long

NAMES = ("sub-01/ses-a/anat/sub-01_ses-a", "sub-02/anat/sub-02")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nobody killed."""
    run = prepare(tmp_path_factory.mktemp("undisturbed"), *NAMES)
    assert run.run()[:2] == (0, "2 done, 0 failed")
    return run


def finished(run: Run) -> dict[Path, int]:
    """When each finished step of the run's work folder ended; those that write the outputs run every time."""
    ended = run.work.rglob("_sizes.json")
    return {path.parent: path.stat().st_mtime_ns for path in ended if not path.parent.name.startswith("ds_")}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_again_and_again_it_ends_the_same(number: signal.Signals, undisturbed: Run, tmp_path: Path):
    run = prepare(tmp_path, *NAMES)
    steps: dict[Path, int] = {}
    for goal in (1, 8, 20):
        process = run.start()
        wait_for(lambda goal=goal: len(finished(run)) >= goal, process)
        process.send_signal(number)
        process.communicate()
        assert process.returncode == (-number if number == signal.SIGKILL else 143)
        time.sleep(1)  # the system is about to end its workers
        now = finished(run)
        assert {path: now.get(path) for path in steps} == steps
        steps = now
    assert run.run()[:2] == (0, "2 done, 0 failed")
    now = finished(run)
    assert {path: now.get(path) for path in steps} == steps
    assert run.results() == undisturbed.results()
    assert not [path for path in run.out.rglob(".*") if path.is_file() and path.name != ".bidsignore"]


def test_two_participants_side_by_side_never_harm_the_common_files(undisturbed: Run, tmp_path: Path):
    run = prepare(tmp_path, *NAMES)
    alone = [
        run.start("--participant-label", subject, "-w", str(tmp_path / f"work-{subject}")) for subject in ("01", "02")
    ]
    lines = [process.communicate()[0].strip().splitlines()[-1] for process in alone]
    assert lines == ["1 done, 0 failed", "1 done, 0 failed"]
    assert run.results() == undisturbed.results()


def test_a_second_run_in_the_same_work_folder_leaves_the_first_one_s_images_to_it(tmp_path: Path):
    run = prepare(tmp_path, "sub-slow/anat/sub-slow", NAMES[1])
    first = run.start("--participant-label", "slow")
    wait_for(lambda: list(run.work.rglob("begun.txt")), first)
    code, last, err = run.run("--clean-workdir", "--rm-workdir-on-success")
    assert first.poll() is None and list(run.work.rglob("begun.txt"))
    (record,) = run.out.glob("sub-slow/log/anat/*.json")
    assert json.loads(record.read_text())["error"] == HALF  # as the first one has left it
    first.kill()
    first.communicate()
    reason = f"is being worked on by another run with the same work folder ({run.work})"
    assert (code, last) == (1, f"1 done, 1 failed: sub-slow ({reason})")
    assert f"sub-slow/anat/sub-slow_T1w.nii.gz: {reason}; wait for its end, or choose another with -w" in err


@pytest.mark.parametrize("years", [-3, 3])
def test_clocks_that_disagree_change_nothing(years: int, undisturbed: Run, tmp_path: Path):
    run = prepare(tmp_path, *NAMES)
    there = time.time() + years * 365 * 86400
    for path in run.raw.rglob("*"):
        os.utime(path, (there, there))
    process = run.start()
    wait_for(lambda: len(finished(run)) >= 10, process)
    process.kill()
    process.communicate()
    for path in (*run.work.rglob("*"), *run.out.rglob("*")):
        os.utime(path, (there, there))
    assert run.run()[:2] == (0, "2 done, 0 failed")
    assert run.results() == undisturbed.results()


def test_a_moved_work_folder_is_still_good(undisturbed: Run, tmp_path: Path):
    run = prepare(tmp_path, *NAMES)
    assert run.run("--participant-label", "02")[0] == 0
    shutil.move(run.work, tmp_path / "elsewhere")
    assert run.run("-w", str(tmp_path / "elsewhere"))[:2] == (0, "2 done, 0 failed")
    assert run.results() == undisturbed.results()
