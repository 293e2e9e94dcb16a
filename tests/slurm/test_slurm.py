"""Runs on a real SLURM give what a run on this machine gives: by nipype, and as an array of one job a participant."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app import REPOSITORY, Run, is_running, prepare, wait_for
from tests.slurm.cluster import cluster, missing

SUBJECTS = ("01", "02")
NAMES = tuple(f"sub-{subject}/anat/sub-{subject}" for subject in SUBJECTS)
KILLED = "sub-killed/anat/sub-killed"
ARRAY = """\
#!/bin/bash
#SBATCH --array=0-1
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --output={folder}/array-%a.out
subjects=({subjects})
subject=${{subjects[$SLURM_ARRAY_TASK_ID]}}
exec {command} --participant-label "$subject" -w {work}/"$subject" --nprocs "$SLURM_CPUS_PER_TASK"
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        bool(missing()) or os.getuid() != 0, reason="no SLURM to start (apt-get install slurm-wlm munge, as root)"
    ),
]


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, cluster(Path(folder) / "c") as environment:
        site = REPOSITORY / "tests" / "standin" / "site"
        yield {**environment, "PYTHONPATH": f"{REPOSITORY}:{site}"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on this machine."""
    run = prepare(tmp_path_factory.mktemp("local"), *NAMES)
    code, last, err = run.run()
    assert (code, last) == (0, "2 done, 0 failed"), err
    return run


def submit(script: Path, environment: dict[str, str]) -> str:
    command = ["sbatch", "--wait", "--parsable", str(script)]
    answer = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def jobs(run: Run) -> set[str]:
    """Scripts of the jobs that a run has handed to the scheduler."""
    return {path.name for path in (run.work / "cerebbids_wf" / "batch").glob("pyscript_*")}


def test_nodes_as_jobs_give_the_same_files(slurm, local, tmp_path, monkeypatch):
    run = prepare(tmp_path, *NAMES)
    (tmp_path / "slurm.yml").write_text('plugin: SLURM\nplugin_args: {sbatch_args: "--time=10"}\n')
    monkeypatch.delenv("LOGNAME", raising=False)
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    code, last, err = run.run("--use-plugin", str(tmp_path / "slurm.yml"))
    assert (code, last) == (0, "2 done, 0 failed"), err
    assert run.results() == local.results()
    first = jobs(run)
    assert len(first) > 20 and not [name for name in first if "_ds_" in name]
    assert run.run("--use-plugin", str(tmp_path / "slurm.yml"))[0] == 0
    assert jobs(run) == first  # all has been done


def test_an_array_of_participants_gives_the_same_files(slurm, local, tmp_path):
    run = prepare(tmp_path, *NAMES)
    program = [sys.executable, "-W", "ignore", str(REPOSITORY / "tests" / "standin" / "quick.py")]
    command = " ".join([*program, str(run.raw), str(run.out), "participant"])
    script = tmp_path / "array.sh"
    script.write_text(
        ARRAY.format(folder=tmp_path, subjects=" ".join(SUBJECTS), command=command, work=tmp_path / "work")
    )
    submit(script, slurm)
    said = "".join(path.read_text() for path in tmp_path.glob("array-*.out"))
    assert said.count("1 done, 0 failed") == 2, said
    assert run.results() == local.results()


def test_a_job_that_the_scheduler_ends_fails_its_image_and_no_other(slurm, tmp_path, monkeypatch):
    run = prepare(tmp_path, NAMES[0], "sub-slow/anat/sub-slow")
    (tmp_path / "slurm.yml").write_text("plugin: SLURM\n")
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    process = run.start("--use-plugin", str(tmp_path / "slurm.yml"))
    while not list(run.work.rglob("begun.txt")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    listed = subprocess.run(["squeue", "--noheader", "--format=%i %j"], env=os.environ, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        if "predict" in line and "sub_slow" in line:
            subprocess.run(["scancel", line.split()[0]], env=os.environ, check=True)
    out, err = process.communicate()
    assert process.returncode == 1, err
    last = out.strip().splitlines()[-1]
    assert last == "1 done, 1 failed: sub-slow (was ended by the scheduler, out of memory or of time it seems)"


def test_an_interrupted_run_takes_its_jobs_out_of_the_queue(slurm, tmp_path, monkeypatch):
    run = prepare(tmp_path, "sub-slow/anat/sub-slow")
    (tmp_path / "slurm.yml").write_text("plugin: SLURM\n")
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    process = run.start("--use-plugin", str(tmp_path / "slurm.yml"))
    while not list(run.work.rglob("begun.txt")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.terminate()
    process.communicate()
    assert process.returncode == 143
    end = time.monotonic() + 30
    while subprocess.run(["squeue", "--noheader"], env=os.environ, capture_output=True, check=True).stdout:
        assert time.monotonic() < end
        time.sleep(0.5)


def test_the_jobs_of_a_killed_run_are_ended_before_the_same_command_goes_on(slurm, tmp_path, monkeypatch):
    run = prepare(tmp_path, "sub-slow/anat/sub-slow")
    (tmp_path / "slurm.yml").write_text("plugin: SLURM\n")
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    killed = run.start("--use-plugin", str(tmp_path / "slurm.yml"))
    (begun,) = wait_for(lambda: list(run.work.rglob("begun.txt")), killed)
    first = int(wait_for(begun.read_text, killed))
    killed.kill()
    killed.communicate()
    assert is_running(first) and list((run.work / "cerebbids_wf" / "jobs" / "sub_slow_wf").iterdir())
    again = run.start("--use-plugin", str(tmp_path / "slurm.yml"))
    wait_for(lambda: not is_running(first), again)
    wait_for(lambda: [path for path in run.work.rglob("begun.txt") if path.read_text() not in ("", str(first))], again)
    again.terminate()
    again.communicate()
    assert again.returncode == 143
