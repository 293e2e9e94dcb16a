"""Two runs in one work folder."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cerebbids.bids.query import SourceImage
from cerebbids.cli import locks
from cerebbids.cli.locks import locked
from tests.app import REPOSITORY

HOLD = """
import sys, time
from multiprocessing import get_context
from pathlib import Path
from cerebbids.bids.query import SourceImage
from cerebbids.cli.locks import locked

name = "sub-1/anat/sub-1_T1w.nii"
with locked(Path(sys.argv[1]), [SourceImage(Path("/data", name), "1", name)]):
    get_context("fork").Process(target=time.sleep, args=(float(sys.argv[2]),)).start()
    print("held", flush=True)
    time.sleep(60)
"""


def images(count: int) -> list[SourceImage]:
    names = [f"sub-{number}/anat/sub-{number}_T1w.nii" for number in range(1, count + 1)]
    return [SourceImage(Path("/data", name), name.split("/")[0][4:], name) for name in names]


def holder(work: Path, seconds: float) -> subprocess.Popen:
    """A run that works on the first image, in a process of its own, with a worker that lives for so long."""
    command = [sys.executable, "-c", HOLD, str(work), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_an_image_is_one_run_s_and_the_others_are_free(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_S", 0.2)
    first = holder(tmp_path, 0)
    with locked(tmp_path, images(3)) as found:
        assert list(found.taken) == ["sub-1"]
        assert str(found.taken["sub-1"]).startswith(
            "sub-1/anat/sub-1_T1w.nii: is being worked on by another run with the"
        )
    first.kill()
    first.communicate()
    with locked(tmp_path, images(3)) as found:
        assert not found.taken and found.hold


def test_the_worker_of_a_killed_run_is_waited_for(tmp_path):
    first = holder(tmp_path, 1.5)
    first.kill()
    first.wait()
    began = time.monotonic()
    with locked(tmp_path, images(1)) as found:
        assert not found.taken and time.monotonic() - began > 0.5


def test_all_images_together_are_waited_for_no_longer_than_one(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_S", 0.5)
    monkeypatch.setattr(locks.fcntl, "fcntl", lambda *_: (_ for _ in ()).throw(BlockingIOError()))
    began = time.monotonic()
    with locked(tmp_path, images(20)) as found:
        assert len(found.taken) == 20 and time.monotonic() - began < 3


def test_thousands_of_images_need_no_more_open_files_than_one(tmp_path):
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, usual[1]))
    try:
        with locked(tmp_path, images(3000)) as found:
            assert not found.taken and found.hold
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


@pytest.mark.parametrize("error", [OSError(38, "Function not implemented"), OSError(37, "No locks available")])
def test_without_locks_nobody_is_kept_from_anything(error, tmp_path, monkeypatch):
    monkeypatch.setattr(locks.fcntl, "fcntl", lambda *_: (_ for _ in ()).throw(error))
    with locked(tmp_path, images(2)) as found:
        assert not found.taken and not found.hold
