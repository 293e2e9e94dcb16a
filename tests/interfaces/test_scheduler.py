import os
from pathlib import Path

import pytest
from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node

from cerebbids.cli.pluginfile import SCHEDULERS
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
    plugin = scheduler_plugin(name, {"max_jobs": 2})
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
