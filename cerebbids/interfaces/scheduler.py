"""Running nodes as jobs of a cluster's scheduler."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nipype.pipeline import plugins
from nipype.pipeline.engine import Node
from nipype.pipeline.plugins.base import SGELikeBatchManagerBase

from cerebbids.errors import CerebbidsError
from cerebbids.interfaces.cache import record_files
from cerebbids.interfaces.plugin import read_reason

_CANCEL = {"SLURM": "scancel", "SGE": "qdel", "PBS": "qdel", "LSF": "bkill"}
_NO_RESULT = "results file does not exist"
"""What nipype says of a job that ended without having written anything."""


def scheduler_plugin(name: str, args: Mapping[str, Any]) -> Scheduled:
    """Make nipype's plugin of a scheduler, which also remembers why nodes failed.

    Parameters
    ----------
    name : str
        One of :data:`cerebbids.cli.pluginfile.SCHEDULERS`.
    args : mapping
        Its ``plugin_args``.
    """
    os.environ.setdefault("LOGNAME", _user())  # nipype's SLURM plugin names jobs by it
    kind = type(f"Scheduled{name}", (Scheduled, getattr(plugins, f"{name}Plugin")), {"cancel": _CANCEL[name]})
    return kind(plugin_args=dict(args))


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

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.failures: dict[str, CerebbidsError] = {}

    def stop(self) -> None:
        """End the jobs that this run has in the queue."""
        if self._pending:
            subprocess.run([self.cancel, *map(str, self._pending)], capture_output=True, check=False)

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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid{os.getuid()}"
