import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nipype.interfaces.utility import Function
from nipype.pipeline.engine import Node, Workflow

from cerebbids.interfaces.plugin import GuardedMultiProc


def work(task: str, path: str, neighbour: str) -> str:
    import os
    import time

    from cerebbids.errors import BadImage

    begun = f"{path}.begun"
    again = os.path.exists(begun)
    open(begun, "w").close()
    if task == "fail":
        raise BadImage("sub-1_T1w.nii", "is empty", "copy it again")
    while not os.path.exists(f"{neighbour}.begun"):
        time.sleep(0.1)
    if task == "die" or (task == "die once" and not again):
        os.kill(os.getpid(), 9)
    if task == "rest" and not again:
        time.sleep(3600)  # in the way of the neighbour's death
    with open(path, "w") as done:
        done.write(task)
    return path


def run(folder: Path, **tasks: str) -> GuardedMultiProc:
    """Run independent nodes side by side, each named after what happens to it, the last only after the others."""
    workflow = Workflow("wf", base_dir=str(folder))
    workflow.config["execution"] = {"crashdump_dir": str(folder / "crash"), "poll_sleep_duration": "0.1"}
    names = list(tasks)
    for name, task in tasks.items():
        node = Node(Function(["task", "path", "neighbour"], ["path"], work), name)
        node.inputs.task, node.inputs.path = task, str(folder / name)
        node.inputs.neighbour = str(folder / names[1 - names.index(name)])
        workflow.add_nodes([node])
    plugin = GuardedMultiProc({"n_procs": 2, "raise_insufficient": False})
    if {"die", "fail"} & set(tasks.values()):
        with pytest.raises(RuntimeError):
            workflow.run(plugin=plugin)
    else:
        workflow.run(plugin=plugin)
    return plugin


def test_death_of_a_worker_ends_its_node_and_no_other(tmp_path):
    plugin = run(tmp_path, culprit="die", innocent="rest")
    assert list(plugin.failures) == ["wf.culprit"]
    assert "terminated abruptly" in plugin.failures["wf.culprit"].reason
    assert (tmp_path / "innocent").read_text() == "rest"
    assert len(os.listdir(tmp_path / "crash")) == 1


def test_node_whose_worker_is_killed_once_gets_a_second_chance(tmp_path):
    plugin = run(tmp_path, unlucky="die once", innocent="rest")
    assert plugin.failures == {}
    assert (tmp_path / "unlucky").exists() and (tmp_path / "innocent").exists()


def test_reason_is_the_one_that_a_user_can_act_on(tmp_path):
    plugin = run(tmp_path, first="fail", second="fail")
    assert str(plugin.failures["wf.first"]) == "sub-1_T1w.nii: is empty; copy it again"


@pytest.fixture
def other_default() -> Iterator[None]:
    """Another way to start processes, as Python 3.14 has it by default."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("forkserver", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_workers_are_forked_whatever_python_s_default(other_default):
    plugin = GuardedMultiProc({"n_procs": 1})
    for pool in (plugin.pool, plugin._new_pool(1)):
        assert pool.submit(os.getppid).result() == os.getpid()
        assert pool._mp_context.get_start_method() == "fork"
        pool.shutdown()
