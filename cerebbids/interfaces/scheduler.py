"""Running nodes as jobs of a cluster's scheduler."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import sys
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
    return kind(workflows.resolve() / "jobs", plugin_args=dict(args))


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
        self.failures: dict[str, CerebbidsError] = {}

    def end_left(self, images: Iterable[str]) -> None:
        """End the jobs of a run that was killed itself: they would write where those of this run are about to.

        Parameters
        ----------
        images : iterable of str
            Names of the workflows of images that no other run is working on, as this one has locked them.
        """
        left = [path for image in images for path in (self._jobs / image).glob("*") if path.name.isdecimal()]
        if not left:
            return
        subprocess.run([self.cancel, *(path.name for path in left)], capture_output=True, check=False)
        end = time.monotonic() + _PATIENCE_S
        while left and time.monotonic() < end:
            if self._may_run(left[-1]):
                time.sleep(1)
            else:
                left.pop().unlink(missing_ok=True)
        if left:
            jobs = " ".join(path.name for path in left)
            told = f"{self._jobs}: jobs of a run that was killed may still be in the queue ({jobs})"
            print(f"{told}; see that they are not, and run the same command again", file=sys.stderr)

    def _may_run(self, note: Path) -> bool:
        try:
            return bool(self._is_pending(int(note.name)))
        except RuntimeError:  # the scheduler does not answer
            return True

    def stop(self) -> None:
        """End the jobs that this run has in the queue."""
        if self._pending:
            subprocess.run([self.cancel, *map(str, self._pending)], capture_output=True, check=False)

    def _submit_batchtask(self, scriptfile: str, node: Node) -> int:
        if wanted := (node.plugin_args or {}).get("sbatch_args"):
            given = getattr(self, "_sbatch_args", None) or ""
            node.plugin_args = {**node.plugin_args, "sbatch_args": not_given(wanted, given)}
        job = super()._submit_batchtask(scriptfile, node)
        write_text(self._note(job, node.output_dir()), "")
        return job

    def _clear_task(self, taskid: int) -> None:
        self._note(taskid, self._pending[taskid]).unlink(missing_ok=True)
        super()._clear_task(taskid)

    def _note(self, job: int, folder: str) -> Path:
        """File that is there as long as a job may be, whose step works in a folder of an image's workflow."""
        image = Path(folder).relative_to(self._jobs.parent).parts[0]
        return self._jobs / image / str(job)

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
    '--cpus-per-task=2 --gres=gpu:1'
    """
    return " ".join(option for option in wanted.split() if not re.search(_ALIKE[option.partition("=")[0]], f" {given}"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid{os.getuid()}"
