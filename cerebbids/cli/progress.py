"""What the user sees while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


def empty_bar(*, transient: bool = False) -> Progress:
    """Make a bar on standard error; it is drawn anew only when it is told so, and a transient one goes at its end."""
    # No thread that redraws: worker processes are forked while the bar is shown.
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    console = Console(stderr=True)
    console.quiet = transient and not console.is_terminal  # in a log, an empty line would stay of it
    return Progress(*columns, TimeElapsedColumn(), console=console, auto_refresh=False, transient=transient)


class RunProgress:
    """A bar that counts the steps of all images, and a line for every image that is done.

    Parameters
    ----------
    steps : dict of str to int
        Number of nodes of every image's workflow, by the workflow's name.
    names : dict of str to str
        What to call the images, by the same name.
    keep : callable
        Told the name of an image's workflow, and False before its first result is written, True when it is done.

    Attributes
    ----------
    ended : dict of str to set of str
        Nodes of every image's workflow that ended well in this run, by the workflow's name.
    """

    def __init__(self, steps: dict[str, int], names: dict[str, str], keep: Callable[[str, bool], None]) -> None:
        self._steps, self._names, self._keep = steps, names, keep
        self._begun: set[str] = set()
        self._failed: set[tuple[str, str]] = set()
        self.ended: dict[str, set[str]] = {image: set() for image in steps}
        self._bar = empty_bar()
        self._task = self._bar.add_task("starting", total=sum(steps.values()))

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def is_done(self, image: str) -> bool:
        """Whether all nodes of an image's workflow have ended well."""
        return len(self.ended[image]) == self._steps[image]

    def __call__(self, node: Any, status: str) -> None:
        """Take note of a node that starts or ends (nipype's status callback)."""
        image, _, step = node.fullname.partition(".")[2].partition(".")
        if status == "start":
            if ".ds_" in step and image not in self._begun:
                self._begun.add(image)
                self._keep(image, False)
            self._bar.update(self._task, description=f"{self._names[image]}: {step.rpartition('.')[2]}")
        elif status == "exception":
            self._failed.add((image, step))
        # A step that fails in this process, as those that write results do on a cluster, is said to have ended, too.
        elif status == "end" and (image, step) not in self._failed:
            self.ended[image].add(step)
            self._bar.advance(self._task)
            if self.is_done(image):
                self._keep(image, True)
                self._bar.console.print(f"{self._names[image]}: done", highlight=False)
        self._bar.refresh()
