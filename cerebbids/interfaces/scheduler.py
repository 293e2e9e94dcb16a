"""Running nodes as jobs of a cluster's scheduler."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nipype.pipeline import plugins
from nipype.pipeline.engine import Node
from nipype.pipeline.plugins.base import SGELikeBatchManagerBase

from cerebbids.errors import CerebbidsError
from cerebbids.files import write_text
from cerebbids.interfaces.cache import record_files
from cerebbids.interfaces.plugin import read_reason

_CANCEL = {"SLURM": "scancel", "SGE": "qdel", "PBS": "qdel", "LSF": "bkill"}
JOBS = "jobs"
"""Folder of empty files that are named as jobs that may be in the queue, in a folder for each image's workflow."""
_PATIENCE_S = 60.0
"""How long jobs may take to leave the queue."""
_ALIKE = {
    "--cpus-per-task": r" (--cpus-per-(task|gpu)|-c)",
    "--mem": r" --mem(-per-(cpu|gpu))?[= ]",
    "--gres": r" (--gres[= ]\S*gpu|--gpus|-G)",
}
"""Options of sbatch, and patterns of those that say the same."""
_NO_RESULT = "results file does not exist"
"""What nipype says of a job that ended without having written anything."""


def scheduler_plugin(name: str, args: Mapping[str, Any], workflows: Path) -> Scheduled:
    """Make nipype's plugin of a scheduler, which also remembers why nodes failed.

    Parameters
    ----------
    name : str
        One of :data:`cerebbids.cli.pluginfile.SCHEDULERS`.
    args : mapping
        Its ``plugin_args``.
    workflows : Path
        Folder of the images' workflows, where it keeps the numbers of jobs that may be in the queue.
    """
    os.environ.setdefault("LOGNAME", _user())  # nipype's SLURM plugin names jobs by it
    kind = type(f"Scheduled{name}", (Scheduled, getattr(plugins, f"{name}Plugin")), {"cancel": _CANCEL[name]})
    return kind(workflows / JOBS, plugin_args=dict(args))


class Scheduled(SGELikeBatchManagerBase):
    """What is added to nipype's plugins of schedulers.

    Attributes
    ----------
    failures : dict of str to CerebbidsError
        Reason of every node that failed, by the node's full name.
    cancel : str
        The scheduler's program that ends jobs.
    """

    cancel: str

    def __init__(self, jobs: Path, **more: Any) -> None:
        super().__init__(**more)
        self._jobs = jobs
        self._notes: dict[Any, Path] = {}
        self.failures: dict[str, CerebbidsError] = {}

    def stop(self) -> None:
        """End the jobs that this run has in the queue."""
        if self._pending:
            subprocess.run([self.cancel, *map(str, self._pending)], capture_output=True, check=False)

    def _submit_batchtask(self, scriptfile: str, node: Node) -> int:
        if wanted := (node.plugin_args or {}).get("sbatch_args"):
            given = getattr(self, "_sbatch_args", None) or ""
            node.plugin_args = {**node.plugin_args, "sbatch_args": not_given(wanted, given)}
        job = super()._submit_batchtask(scriptfile, node)
        self._notes[job] = self._jobs / node._hierarchy.split(".")[1] / str(job)
        write_text(self._notes[job], "")
        return job

    def _clear_task(self, taskid: int) -> None:
        self._notes.pop(taskid).unlink(missing_ok=True)
        super()._clear_task(taskid)

    def may_run(self, job: str) -> bool:
        """Whether the scheduler has a job, or does not answer."""
        try:
            return bool(self._is_pending(int(job)))
        except RuntimeError:
            return True

    def _task_finished_cb(self, jobid: int, cached: bool = False) -> None:
        folder = Path(self.procs[jobid].output_dir())
        if not cached and folder.exists():
            record_files(folder)
        super()._task_finished_cb(jobid, cached)

    def _report_crash(self, node: Node, result: Mapping[str, Any] | None = None) -> str:
        traceback = "".join((result or {}).get("traceback") or "unknown")
        if _NO_RESULT in traceback:
            reason = "was ended by the scheduler, out of memory or of time it seems"
            batch = Path(node.base_dir) / node._hierarchy.split(".")[0] / "batch"
            mend = f"see what it printed in {batch}, and ask for more in plugin_args"
            self.failures[node.fullname] = CerebbidsError(f"step {node.name}", reason, mend)
        else:
            self.failures[node.fullname] = read_reason(traceback)
        # As lines: nipype adds some where there is no result, and does not expect a text then.
        told = {"result": None, **(result or {}), "traceback": traceback.splitlines(keepends=True)}
        return super()._report_crash(node, told)


def end_left(name: str, workflows: Path, images: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """End the jobs of runs that were killed themselves: they would write where those of another are about to.

    Of SLURM alone it is known how to see that they are gone. Jobs of another scheduler are ended as well and forgotten.

    Parameters
    ----------
    name : str
        Scheduler, as :func:`scheduler_plugin` takes it.
    workflows : Path
        Folder of the images' workflows.
    images : iterable of str
        Names of the workflows of images that no other run is working on, as this one has locked them.

    Returns
    -------
    dict of str to tuple of str
        Jobs that do not leave the queue, by the workflows whose they are.
    """
    left = [path for image in images for path in sorted((workflows / JOBS / image).glob("*"))]
    if not left:
        return {}
    subprocess.run([_CANCEL[name], *(path.name for path in left)], capture_output=True, check=False)
    scheduler = scheduler_plugin(name, {}, workflows)
    staying = left if name == "SLURM" else []
    end = time.monotonic() + _PATIENCE_S
    while staying := [path for path in staying if scheduler.may_run(path.name)]:
        if time.monotonic() > end:
            break
        time.sleep(1)
    for path in left:
        if path not in staying:
            path.unlink(missing_ok=True)
    return {
        image: tuple(path.name for path in staying if path.parent.name == image)
        for image in {path.parent.name for path in staying}
    }


def ask_slurm(node: Node, use_gpu: bool, threads: int) -> None:
    """Have SLURM give a node's job what the node needs, whatever all jobs ask for.

    Parameters
    ----------
    node : Node
    use_gpu : bool
        Whether it runs on a GPU.
    threads : int
        CPUs of a node on a GPU, whose ``n_procs`` are GPU slots.
    """
    cpus = threads if use_gpu else node.n_procs or 1
    wanted = [f"--cpus-per-task={cpus}", f"--mem={1000 * node.mem_gb + 300:.0f}M", *["--gres=gpu:1"] * use_gpu]
    node.plugin_args = {"sbatch_args": " ".join(wanted)}


def not_given(wanted: str, given: str) -> str:
    """Leave out what the user has asked for in another way: of two, SLURM takes the last, or refuses the job.

    Parameters
    ----------
    wanted, given : str
        What a step needs, and the user's ``sbatch_args``.

    Examples
    --------
    >>> not_given("--cpus-per-task=2 --mem=2800M --gres=gpu:1", "--mem-per-cpu=4G -c 8 --gpus=1")
    ''
    >>> not_given("--cpus-per-task=2 --mem=2800M --gres=gpu:1", "--time=10 --mem 32G --gres=lscratch:20")
    '--cpus-per-task=2 --gres=gpu:1,lscratch:20'
    """
    options = [each for each in wanted.split() if not re.search(_ALIKE[each.partition("=")[0]], f" {given}")]
    others = re.search(r" --gres[= ](\S+)", f" {given}")
    return " ".join(f"{each},{others[1]}" if others and each.startswith("--gres") else each for each in options)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid{os.getuid()}"
