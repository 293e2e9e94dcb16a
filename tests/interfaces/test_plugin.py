import os
from pathlib import Path

import pytest
from nipype.interfaces.utility import Function
from nipype.pipeline.engine import Node, Workflow

from cerebbids.interfaces.plugin import GuardedMultiProc


def work(task: str, path: str) -> str:
    import os
    import time

    from cerebbids.errors import BadImage

    if task == "die":
        os.kill(os.getpid(), 9)
    if task == "fail":
        raise BadImage("sub-1_T1w.nii", "is empty", "copy it again")
    time.sleep(0.5)
    with open(path, "w") as done:
        done.write(task)
    return path


def run(folder: Path, **tasks: str) -> GuardedMultiProc:
    """Run independent nodes one after the other, each named after what happens to it."""
    workflow = Workflow("wf", base_dir=str(folder))
    workflow.config["execution"] = {"crashdump_dir": str(folder / "crash"), "poll_sleep_duration": "0.1"}
    for name, task in tasks.items():
        function = Function(["task", "path"], ["path"], work)
        node = Node(function, name)
        node.inputs.task, node.inputs.path = task, str(folder / name)
        workflow.add_nodes([node])
    plugin = GuardedMultiProc({"n_procs": 1, "raise_insufficient": False})
    with pytest.raises(RuntimeError):
        workflow.run(plugin=plugin)
    return plugin


def test_death_of_a_worker_ends_its_node_and_no_other(tmp_path):
    plugin = run(tmp_path, first="die", second="rest")
    assert list(plugin.failures) == ["wf.first"]
    assert "terminated abruptly" in plugin.failures["wf.first"].reason
    assert (tmp_path / "second").read_text() == "rest"
    assert len(os.listdir(tmp_path / "crash")) == 1


def test_reason_is_the_one_that_a_user_can_act_on(tmp_path):
    plugin = run(tmp_path, first="fail")
    assert str(plugin.failures["wf.first"]) == "sub-1_T1w.nii: is empty; copy it again"
