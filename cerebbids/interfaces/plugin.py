"""Running nodes side by side without ever waiting for one that is gone."""

from __future__ import annotations

import re
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from traceback import format_exception
from typing import Any

from nipype.pipeline.plugins.multiproc import MultiProcPlugin, process_initializer, run_node

from cerebbids.errors import CerebbidsError


class GuardedMultiProc(MultiProcPlugin):
    """MultiProc that survives the death of a worker and remembers why nodes failed.

    Nipype's own waits for ever when the system kills a worker: the exception is lost on its way. Here the
    nodes that the worker took along fail, and a new pool takes the others.

    Attributes
    ----------
    failures : dict of str to CerebbidsError
        Reason of every node that failed, by the node's full name.
    """

    def __init__(self, plugin_args: dict[str, Any] | None = None) -> None:
        super().__init__(plugin_args)
        self.failures: dict[str, CerebbidsError] = {}

    def _submit_job(self, node, updatehash=False):
        self._taskid += 1
        taskid = self._taskid
        try:
            future = self.pool.submit(run_node, node, updatehash, taskid)
        except BrokenProcessPool:
            self.pool = ProcessPoolExecutor(self.processors, None, process_initializer, (self._cwd,))
            future = self.pool.submit(run_node, node, updatehash, taskid)
        self._task_obj[taskid] = future
        future.add_done_callback(lambda done: self._keep_result(taskid, done))
        return taskid

    def _keep_result(self, taskid: int, future: Future) -> None:
        lost = future.exception()
        self._taskresult[taskid] = (
            future.result() if lost is None else {"result": None, "taskid": taskid, "traceback": format_exception(lost)}
        )

    def _report_crash(self, node, result=None):
        self.failures[node.fullname] = read_reason("".join((result or {}).get("traceback") or "unknown"))
        return super()._report_crash(node, result)


def read_reason(traceback: str) -> CerebbidsError:
    r"""Find the error that a user can act on in the text of a traceback.

    Examples
    --------
    >>> read_reason("Traceback:\n\tcerebbids.errors.BadImage: a.nii: is empty; copy it again\n\n").reason
    'is empty'
    >>> read_reason("Traceback:\nValueError: no such thing\n").reason
    'ValueError: no such thing'
    """
    known = re.findall(r"^\s*cerebbids\.errors\.\w+: (.+)$", traceback, flags=re.MULTILINE)
    lines = [line.strip() for line in traceback.splitlines() if line.strip()]
    mend = "see the crash file in sub-*/log"
    if known:
        return CerebbidsError.from_line(known[-1], mend)
    return CerebbidsError("cerebbids", lines[-1], mend)
