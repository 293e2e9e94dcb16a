"""Running nodes side by side without ever waiting for one that is gone."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import signal
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception
from typing import Any

from nipype.pipeline.engine import Node
from nipype.pipeline.plugins.multiproc import MultiProcPlugin, process_initializer, run_node

from cerebbids.errors import CerebbidsError, read_error
from cerebbids.interfaces.cache import record_files
from cerebbids.interfaces.process import end_with_parent

# Forked workers share what this process has loaded; others would load nipype and ITK again, each for itself.
_START_METHOD = "fork"


_FULL = re.compile(rf"\[Errno (?:{errno.ENOSPC}|{errno.EDQUOT})\] ([^:\n]+)")


@dataclass(frozen=True)
class _Task:
    id: int
    node: Node
    updatehash: bool


class GuardedMultiProc(MultiProcPlugin):
    """MultiProc that survives the death of a worker and remembers why nodes failed.

    Nipype's own waits for ever when the system kills a worker: the exception is lost on its way. Python then
    ends the other workers too, so that it is not known which node was at fault. Here a new pool takes what
    comes next, and the lost nodes run once more, one at a time and each in a worker of its own: one that loses
    that worker too is at fault and fails, the others were innocent.

    Attributes
    ----------
    failures : dict of str to CerebbidsError
        Reason of every node that failed, by the node's full name.
    """

    def __init__(self, plugin_args: dict[str, Any] | None = None) -> None:
        super().__init__({**(plugin_args or {}), "mp_context": _START_METHOD})
        self.failures: dict[str, CerebbidsError] = {}
        self._lost: deque[_Task] = deque()
        self._retried: Future | None = None
        self.pool.shutdown()  # nobody has used it yet
        self.pool = self._new_pool(self.processors)

    def stop(self) -> None:
        """Kill the workers, and with them the processes that they started."""
        for worker in multiprocessing.active_children():
            worker.kill()
        self.pool.shutdown(cancel_futures=True)

    def _new_pool(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context(_START_METHOD)
        return ProcessPoolExecutor(workers, context, _begin_worker, (self._cwd, os.getpid()))

    def _submit_job(self, node, updatehash=False):
        self._taskid += 1
        task = _Task(self._taskid, node, updatehash)
        try:
            future = self.pool.submit(_run_and_record, node, updatehash, task.id)
        except BrokenProcessPool:
            self.pool = self._new_pool(self.processors)
            future = self.pool.submit(_run_and_record, node, updatehash, task.id)
        self._task_obj[task.id] = future
        future.add_done_callback(lambda done: self._keep_result(task, done, retry=True))
        return task.id

    def _get_result(self, taskid):
        if self._lost and (self._retried is None or self._retried.done()):
            self._run_alone(self._lost.popleft())
        return super()._get_result(taskid)

    def _run_alone(self, task: _Task) -> None:
        pool = self._new_pool(1)
        self._retried = pool.submit(_run_and_record, task.node, task.updatehash, task.id)
        self._retried.add_done_callback(lambda done: self._keep_result(task, done, retry=False))
        pool.shutdown(wait=False)  # when it has done this

    def _keep_result(self, task: _Task, future: Future, retry: bool) -> None:
        if future.cancelled():
            return
        lost = future.exception()
        if lost is None:
            self._taskresult[task.id] = future.result()
        elif retry and isinstance(lost, BrokenProcessPool):
            self._lost.append(task)
        else:
            traceback = format_exception(lost)
            self._taskresult[task.id] = {"result": None, "taskid": task.id, "traceback": traceback}

    def _report_crash(self, node, result=None):
        self.failures[node.fullname] = read_reason("".join((result or {}).get("traceback") or "unknown"))
        return super()._report_crash(node, result)


def _run_and_record(node: Node, updatehash: bool, taskid: int) -> dict[str, Any]:
    """Run a node in a worker; what it made is taken up by a later run only if it is still the same."""
    result = run_node(node, updatehash, taskid)
    if result["traceback"] is None:
        record_files(Path(node.output_dir()))
    return result


def _begin_worker(folder: str, parent: int) -> None:
    end_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the parent sees to its workers
    process_initializer(folder)


def read_reason(traceback: str) -> CerebbidsError:
    r"""Find the error that a user can act on in the text of a traceback.

    Examples
    --------
    >>> read_reason("Traceback:\n\tcerebbids.errors.BadImage: a.nii: is empty; copy it again\n\n").reason
    'is empty'
    >>> read_reason("Traceback:\nValueError: no such thing\n").reason
    'ValueError: no such thing'
    >>> read_reason("OSError: [Errno 28] No space left on device: 'a'\n\nFileNotFoundError: a\n").reason
    'could not be written (No space left on device)'
    """
    lines = [line.strip() for line in traceback.splitlines() if line.strip()]
    mend = "see the crash file in sub-*/log"
    if full := _FULL.search(traceback):  # nipype goes on and stumbles over what it could not write
        return CerebbidsError("cerebbids", f"could not be written ({full[1]})", "make room, then run the same again")
    return read_error(traceback, mend) or CerebbidsError("cerebbids", lines[-1], mend)
