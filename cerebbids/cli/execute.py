"""Hand a workflow to nipype, and learn which images failed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.query import SourceImage
from cerebbids.cli.environment import usable_memory_gb
from cerebbids.cli.intermediates import WORKFLOW
from cerebbids.cli.outcome import unfinished
from cerebbids.cli.pluginfile import PluginChoice
from cerebbids.cli.progress import RunProgress
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, CerebbidsError
from cerebbids.interfaces.cache import drop_damaged
from cerebbids.interfaces.plugin import GuardedMultiProc
from cerebbids.interfaces.scheduler import Scheduled, scheduler_plugin

_LEVELS = (
    logging.CRITICAL,
    logging.INFO,
    logging.DEBUG,
)  # nipype's errors are tracebacks; crash files keep them


class KeepProgress(Protocol):
    """Keeps what becomes of an image while the run goes on."""

    def __call__(self, image: SourceImage, *, done: bool) -> None:
        """Take note that its first result is about to be written, or that it is done."""


@dataclass(frozen=True)
class Outcome:
    """What became of the images.

    Parameters
    ----------
    failures : dict of str to CerebbidsError
        Why images are not done, by their stems.
    written : dict of str to frozenset of str
        Which derivatives this run wrote nevertheless, by the stems of those images.
    """

    failures: dict[str, CerebbidsError]
    written: dict[str, frozenset[str]]


def execute(
    workflow: Workflow,
    config: RunConfig,
    images: Sequence[SourceImage],
    choice: PluginChoice,
    keep: KeepProgress,
) -> Outcome:
    """Run the images' workflows to their ends, or until somebody interrupts.

    Parameters
    ----------
    workflow : Workflow
        What :func:`cerebbids.workflows.base.init_cerebbids_wf` made.
    config : RunConfig
        Choices of the run.
    images : sequence of SourceImage
        Images in the workflow.
    choice : PluginChoice
        What runs the nodes.
    keep : callable
        Told of an image before its first result is written, and when it is done.
    """
    for name in ("nipype.workflow", "nipype.interface", "nipype.utils"):
        logging.getLogger(name).setLevel(_LEVELS[min(config.verbosity, 2)])
    sources = {image.workflow: image for image in images}
    names = workflow.list_node_names()
    # Nipype takes the nodes that only pass fields on out of the graph.
    steps = Counter(name.split(".")[0] for name in names if not name.endswith(("inputnode", "outputnode")))
    stems = {name: image.stem for name, image in sources.items()}
    with RunProgress(steps, stems, lambda name, done: keep(sources[name], done=done)) as progress:
        plugin = _plugin(config, choice, progress)
        for name in sources:
            drop_damaged(config.work_dir / workflow.name / name)
        end = _run(workflow, plugin)
    failures: dict[str, CerebbidsError] = {}
    for node, error in plugin.failures.items():
        image = sources[node.split(".")[1]]
        failures.setdefault(image.stem, name_source(error, image, config.work_dir))
    for name, image in sources.items():
        if image.stem not in failures and not progress.is_done(name):
            failures[image.stem] = unfinished(image, end, stopped=config.stop_on_first_crash and bool(plugin.failures))
    return Outcome(failures, {
        image.stem: frozenset(step.rpartition(".ds_")[2] for step in progress.ended[name] if ".ds_" in step)
        for name, image in sources.items()
        if image.stem in failures
    })  # fmt: skip


def _plugin(config: RunConfig, choice: PluginChoice, progress: RunProgress) -> GuardedMultiProc | Scheduled:
    if not choice.is_local:
        args = {**choice.args, "status_callback": progress}
        return scheduler_plugin(choice.name, args, config.work_dir / WORKFLOW)
    return GuardedMultiProc({
        "n_procs": config.nprocs,
        "memory_gb": config.mem_gb or usable_memory_gb(),
        "n_gpu_procs": config.n_gpu_procs,
        **choice.args,
        "raise_insufficient": False,
        "status_callback": progress,
    })  # fmt: skip


def _run(workflow: Workflow, plugin: GuardedMultiProc | Scheduled) -> BaseException | None:
    try:
        workflow.run(plugin=plugin)
    except (Exception, KeyboardInterrupt) as error:
        # Nipype raises, in various ways, when nodes failed; the plugin knows which. It may also have ended early.
        with suppress(OSError, KeyboardInterrupt):  # whoever interrupts this, too, may know which images are done
            plugin.stop()
        logging.getLogger("nipype.workflow").info("End of the run", exc_info=error)
        return error
    return None


def name_source(error: CerebbidsError, image: SourceImage, work_dir: Path) -> CerebbidsError:
    """Name the image of the dataset where a step could only name its own, intermediate file.

    An intermediate file that is itself at fault says nothing about the image.

    Examples
    --------
    >>> image = SourceImage(Path("/d/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")
    >>> print(name_source(CerebbidsError("/w/a/conform.nii", "is odd", "look"), image, Path("/w")))
    sub-1/anat/sub-1_T1w.nii: is odd; look
    >>> print(name_source(BadImage("/w/a/conform.nii", "is truncated", "copy it again"), image, Path("/w")))
    sub-1/anat/sub-1_T1w.nii: /w/a/conform.nii, made on the way, is truncated; run again with a new work folder (-w)
    >>> print(name_source(CerebbidsError("/models/model.toml", "is missing", "install it"), image, Path("/w")))
    sub-1/anat/sub-1_T1w.nii: /models/model.toml is missing; install it
    """
    told = Path(error.subject)
    elsewhere = told.is_absolute() and told != image.path
    made = elsewhere and told.resolve().is_relative_to(work_dir.resolve())
    if made and isinstance(error, BadImage):
        reason = f"{told}, made on the way, {error.reason}"
        return CerebbidsError(image.relative, reason, "run again with a new work folder (-w)")
    foreign = error.subject.startswith("--") or (elsewhere and not made)
    reason = f"{error.subject} {error.reason}" if foreign else error.reason
    return type(error)(image.relative, reason, error.mend)
