import os
import subprocess
from pathlib import Path

import pytest
from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from nipype.pipeline.plugins import SLURMPlugin

from cerebbids.cli.pluginfile import SCHEDULERS
from cerebbids.interfaces import scheduler
from cerebbids.interfaces.scheduler import ask_slurm, scheduler_plugin


def node(folder: Path) -> Node:
    made = Node(IdentityInterface(["a"]), "step", mem_gb=2.5, n_procs=3, base_dir=str(folder))
    made._hierarchy = "cerebbids_wf.sub_01_wf"
    return made


def test_a_job_asks_for_what_its_step_takes(tmp_path):
    step = node(tmp_path)
    ask_slurm(step, use_gpu=False, threads=8)
    assert step.plugin_args == {"sbatch_args": "--cpus-per-task=3 --mem=2800M"}


def test_a_job_with_networks_on_a_gpu_asks_for_one_and_for_cpus_beside_it(tmp_path):
    step = node(tmp_path)
    step.n_procs = 1  # a GPU slot
    ask_slurm(step, use_gpu=True, threads=8)
    assert step.plugin_args["sbatch_args"] == "--cpus-per-task=8 --mem=2800M --gres=gpu:1"


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_s_plugin_keeps_reasons(name, tmp_path, monkeypatch):
    monkeypatch.delenv("LOGNAME", raising=False)
    queue = tmp_path / "qstat"  # which SGE's plugin asks, again and again where there is none
    queue.write_text("#!/bin/sh\necho '<job_info/>'\n")
    queue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    plugin = scheduler_plugin(name, {"max_jobs": 2}, tmp_path)
    assert os.environ["LOGNAME"] and plugin.max_jobs == 2
    step = node(tmp_path)
    step.config = {"execution": {"crashdump_dir": str(tmp_path), "crashfile_format": "txt"}}
    plugin._report_crash(step, {"result": None, "traceback": "OSError: Job id (7) finished or terminated, but "
                                "results file does not exist after (15.0) seconds."})  # fmt: skip
    failure = plugin.failures["cerebbids_wf.sub_01_wf.step"]
    assert failure.reason.startswith("was ended by the scheduler")
    assert f"{tmp_path}/cerebbids_wf/batch" in failure.mend
    told = "Traceback:\n\tcerebbids.errors.BadImage: a.nii: is empty; copy it again\n"
    plugin._report_crash(step, {"result": None, "traceback": told})
    assert plugin.failures["cerebbids_wf.sub_01_wf.step"].reason == "is empty"
    assert len(list(tmp_path.glob("crash-*"))) == 2


def test_jobs_of_a_killed_run_are_ended_before_others_write_in_their_place(tmp_path, monkeypatch):
    queue, ended = {"7": 2, "8": 0, "9": 9}, []

    def end(command, **_):
        ended.append(command)
        return subprocess.CompletedProcess(command, 0)

    def is_pending(_, job):
        queue[str(job)] -= 1
        return queue[str(job)] >= 0

    monkeypatch.setattr(SLURMPlugin, "_submit_batchtask", lambda self, *_: self._pending.setdefault(7, "") or 7)
    monkeypatch.setattr(SLURMPlugin, "_is_pending", is_pending)
    monkeypatch.setattr(scheduler.subprocess, "run", end)
    monkeypatch.setattr(scheduler.time, "sleep", lambda _: None)
    killed = scheduler_plugin("SLURM", {"sbatch_args": "--mem=32G"}, tmp_path)
    step = node(tmp_path)
    step.base_dir, step._hierarchy = str(tmp_path), "cerebbids_wf.sub_01_wf"
    ask_slurm(step, use_gpu=False, threads=8)
    killed._submit_batchtask("script.sh", step)
    assert step.plugin_args["sbatch_args"] == "--cpus-per-task=3"
    for image, job in (("sub_01_wf", "8"), ("sub_02_wf", "9")):
        (tmp_path / "jobs" / image).mkdir(parents=True, exist_ok=True)
        (tmp_path / "jobs" / image / job).touch()

    assert scheduler.end_left("SLURM", tmp_path, ["sub_01_wf", "sub_03_wf"]) == {}
    assert [sorted(command) for command in ended] == [["7", "8", "scancel"]]
    assert queue["7"] < 0  # waited for
    assert [path.name for path in (tmp_path / "jobs").rglob("*") if path.is_file()] == ["9"]
    assert scheduler.end_left("SLURM", tmp_path, ["sub_01_wf"]) == {} and len(ended) == 1


def test_a_job_that_has_ended_is_no_longer_kept(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    plugin = scheduler_plugin("SLURM", {}, tmp_path / "link")
    step = node(tmp_path)
    step.base_dir, step._hierarchy = str(tmp_path), "cerebbids_wf.sub_01_wf"
    monkeypatch.setattr(SLURMPlugin, "_submit_batchtask", lambda self, *_: 7)
    plugin._pending[plugin._submit_batchtask("script.sh", step)] = step.output_dir()
    assert (tmp_path / "jobs" / "sub_01_wf" / "7").exists()
    plugin._clear_task(7)
    assert not list((tmp_path / "jobs" / "sub_01_wf").iterdir())


def test_jobs_that_do_not_leave_the_queue_are_told_and_not_forgotten(tmp_path, monkeypatch):
    def is_pending(_, job):
        if job == 8:
            raise RuntimeError("Unable to contact slurm controller")
        return job == 7

    monkeypatch.setattr(SLURMPlugin, "_is_pending", is_pending)
    monkeypatch.setattr(scheduler.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(scheduler.time, "sleep", lambda _: None)
    monkeypatch.setattr(scheduler, "_PATIENCE_S", 0.1)
    for image, job in (("sub_01_wf", "7"), ("sub_01_wf", "8"), ("sub_02_wf", "9")):
        (tmp_path / "jobs" / image).mkdir(parents=True, exist_ok=True)
        (tmp_path / "jobs" / image / job).touch()
    images = ["sub_01_wf", "sub_02_wf"]
    assert scheduler.end_left("SLURM", tmp_path, images) == {"sub_01_wf": ("7", "8")}
    assert sorted(path.name for path in (tmp_path / "jobs").glob("*/*")) == ["7", "8"]
    assert scheduler.end_left("PBS", tmp_path, images) == {}  # nobody can tell
    assert not list((tmp_path / "jobs").glob("*/*"))
