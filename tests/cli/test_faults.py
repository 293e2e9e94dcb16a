"""What goes wrong around the program: full and read-only disks, no memory, no home, other users, odd paths."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cerebbids.inference.models import packaged_models
from tests.app import QUICK, REPOSITORY, Run, prepare

NAME = "sub-01/anat/sub-01"
ROOT = os.getuid() == 0
IMAGE_KB = 600
"""About what an image of the stand-ins takes in the output folder."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = prepare(tmp_path_factory.mktemp("undisturbed"), NAME)
    assert run.run()[:2] == (0, "1 done, 0 failed")
    return run


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in a folder."""
    folder.mkdir(exist_ok=True)
    if not ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def one_line(err: str) -> str:
    (line,) = (line for line in err.splitlines() if line.strip() and not line.lstrip().startswith(("sub-", "starting")))
    return line


@pytest.mark.long
@pytest.mark.parametrize("place", ["out", "work"])
def test_a_full_disk_fails_the_image_leaves_no_half_file_and_is_made_good_later(place, undisturbed, tmp_path):
    run = prepare(tmp_path, NAME)
    with mounted(tmp_path / place, f"size={IMAGE_KB}k"):
        code, last, err = run.run()
        assert code == 1 and last.startswith("0 done, "), (last, err)
        assert "sub-01 (could not be written (No space left on device))" in last and "Traceback" not in err
        left = {path.relative_to(run.out) for path in run.out.rglob("*") if path.is_file() and "log" not in path.parts}
        done = undisturbed.results()
        assert not [path for path in left if path.name.startswith(".") and path.name != ".bidsignore"]
        for path in left:
            if path.suffix in (".gz", ".tsv", ".svg", ".png"):
                assert (run.out / path).read_bytes() == done[path.as_posix()]
        subprocess.run(["mount", "-o", "remount,size=200m", tmp_path / place], check=True)
        assert run.run()[:2] == (0, "1 done, 0 failed")
        assert run.results() == done


@pytest.mark.parametrize("place", ["out", "work"])
def test_a_read_only_folder_is_one_line(place, tmp_path):
    run = prepare(tmp_path, NAME)
    with mounted(tmp_path / place, "ro"):
        code, last, err = run.run()
    assert (code, last) == (2, "")
    assert f"cerebbids: {tmp_path / place}: cannot be written to (Read-only file system); choose another" in one_line(
        err
    )


@pytest.mark.long
def test_no_home_and_a_read_only_dataset_will_do(undisturbed, tmp_path, monkeypatch):
    run = prepare(tmp_path, NAME)
    monkeypatch.setenv("HOME", "/proc/none")
    with mounted(tmp_path / "ro", "size=20m"):
        raw = shutil.copytree(run.raw, tmp_path / "ro" / "data")
        subprocess.run(["mount", "-o", "remount,ro", tmp_path / "ro"], check=True)
        assert Run(raw, run.out, run.work).run()[:2] == (0, "1 done, 0 failed")
    mine, theirs = run.results(), undisturbed.results()
    for told in (mine, theirs):
        del told["dataset_description.json"]  # it says where the dataset is
    assert mine == theirs


@pytest.mark.long
@pytest.mark.parametrize("place", ["größe 1; rm -rf $(x)", "Дата 'set' \"2\"", "a\tb"])
def test_paths_with_anything_in_them_will_do(place, undisturbed, tmp_path):
    run = prepare(tmp_path / place, NAME)
    assert run.run()[:2] == (0, "1 done, 0 failed")
    assert run.results() == undisturbed.results()


def test_a_damaged_weight_file_is_one_line(tmp_path):
    run = prepare(tmp_path, NAME)
    models = shutil.copytree(packaged_models(), tmp_path / "models")
    weights = models / "deepceres" / "lobules.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()
    weights.write_bytes(content)
    code, last, err = run.run("--models-dir", str(models))
    assert (code, last) == (127, "")
    assert str(weights) in one_line(err) and "Traceback" not in err


@pytest.mark.long
def test_a_network_that_asks_for_more_memory_than_there_is_fails_its_image_alone(tmp_path):
    run = prepare(tmp_path, NAME, "sub-greedy/anat/sub-greedy")
    process = subprocess.run(
        [sys.executable, "-W", "ignore", str(QUICK), *run.arguments()],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30)),
    )  # fmt: skip
    last = process.stdout.strip().splitlines()[-1]
    assert process.returncode == 1 and last.startswith("1 done, 1 failed: sub-greedy (")
    assert "Unable to allocate" in last and "Traceback" not in process.stderr


@pytest.mark.long
@pytest.mark.skipif(not ROOT, reason="only root may become another user")
def test_a_user_without_a_name_will_do(undisturbed, tmp_path):
    run = prepare(tmp_path, NAME)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    other = ["unshare", "--user", "--map-user=54321", "--map-group=54321", sys.executable, "-W", "ignore", str(QUICK)]
    process = subprocess.run(
        [*other, *run.arguments()], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert run.results() == undisturbed.results()


@pytest.mark.skipif(not ROOT, reason="only root may hide a folder")
def test_no_shared_memory_is_one_line(tmp_path):
    run = prepare(tmp_path, NAME)
    hide = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", hide, "sh", sys.executable, "-W", "ignore", str(QUICK)]
    process = subprocess.run(
        [*command, *run.arguments()],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 2, process.stdout + process.stderr
    assert "/dev/shm: cannot be used (Read-only file system); give the container one" in one_line(process.stderr)
