"""Working on images: locks, checks, the workflow, and what becomes of each."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from cerebbids.bids.dataset import remove_outputs
from cerebbids.bids.names import LABELS, YIELDS
from cerebbids.bids.query import SourceImage
from cerebbids.cli.corrections import find_correction
from cerebbids.cli.environment import usable_memory_gb
from cerebbids.cli.intermediates import WORKFLOW, remove_intermediates
from cerebbids.cli.locks import locked
from cerebbids.cli.outcome import AGAIN, Failures, unfinished
from cerebbids.cli.plan import warn_of_unknown
from cerebbids.cli.pluginfile import PluginChoice
from cerebbids.cli.preflight import corrected_images, refused_images
from cerebbids.cli.records import keep_progress
from cerebbids.config import RunConfig
from cerebbids.errors import (
    BadImage,
    Busy,
    CerebbidsError,
    Defect,
    Interrupted,
    RegistrationFailed,
    SegmentationFailed,
    Unfinished,
)
from cerebbids.files import write_text
from cerebbids.reports.summary import RunSummary

CITATION = Path("logs", "CITATION.md")
"""Methods text, in the output folder."""
_AGAINST_THE_IMAGE = (BadImage, RegistrationFailed, SegmentationFailed)
"""Failures that make earlier results doubtful; a full disk or a lack of memory does not."""


@dataclass(frozen=True)
class Worked:
    """What became of images: why some failed, and the methods text of those that were worked on."""

    failures: Failures
    methods: str = ""


@dataclass(frozen=True)
class Networks:
    """Title and hash of every system's model bundle, and the device that they run on."""

    models: Mapping[str, tuple[str, str]]
    device: str


def say(failures: Failures) -> Failures:
    """Tell of failures on standard error, and give them back."""
    for error in failures.values():
        print(error, file=sys.stderr)
    return failures


def work(
    config: RunConfig, images: Sequence[SourceImage], networks: Networks, choice: PluginChoice, run: RunSummary
) -> Worked:
    """Process images; whatever ends the run, say what became of each.

    Parameters
    ----------
    config : RunConfig
        Choices of the run.
    images : sequence of SourceImage
    networks : Networks
    choice : PluginChoice
        What runs the nodes.
    run : RunSummary
        This run, of whose methods nothing is known yet.
    """
    failures: Failures = {}
    methods = ""
    run_id = f"{run.started:%Y%m%d-%H%M%S}_{uuid4()}"
    try:
        memory_gb = config.mem_gb or usable_memory_gb()
        for image, error in corrected_images(images, config.output_dir, config.nprocs, memory_gb):
            failures |= say({image.stem: error})
        ours = [image for image in images if image.stem not in failures]
        warn_of_unknown(config.output_dir, ours)
        failures |= say(_start_logs(config, ours, run_id))
        writable = [image for image in images if image.stem not in failures]
        for image, error in refused_images(writable, config.nprocs, memory_gb, config.t2w):
            failures |= say({image.stem: error})
            remove_older(config.output_dir, image, error)
        sound = [image for image in images if image.stem not in failures]
        if failures and config.stop_on_first_crash:
            failures |= {image.stem: unfinished(image, None, stopped=True) for image in sound}
        elif sound:
            process = partial(_process, config, networks=networks, choice=choice, run=run, run_id=run_id)
            worked = _alone(config, sound, choice, process)
            failures |= worked.failures
            methods = worked.methods
    except KeyboardInterrupt:
        rest = [image for image in images if image.stem not in failures]
        failures |= {image.stem: Interrupted(image.relative, "was interrupted", AGAIN) for image in rest}
    except Exception as error:
        if not isinstance(error, OSError):
            traceback.print_exc()
        reason = f"was not finished ({type(error).__name__}: {error})"
        rest = [image for image in images if image.stem not in failures]
        kind = Unfinished if isinstance(error, OSError) else Defect
        failures |= say({image.stem: kind(image.relative, reason, AGAIN) for image in rest})
    return Worked(failures, methods)


def _alone(
    config: RunConfig,
    images: Sequence[SourceImage],
    choice: PluginChoice,
    process: Callable[[Sequence[SourceImage]], Worked],
) -> Worked:
    """Process the images that no other run has in work in this work folder."""
    with locked(config.work_dir, images) as locks:
        free = [image for image in images if image.stem not in locks.taken]
        queued = {} if choice.is_local or not locks.hold else _queued(choice, config.work_dir, free)
        failures: Failures = say({**locks.taken, **queued})
        free = [image for image in free if image.stem not in failures]
        if not free:
            return Worked(failures)
        if config.clean_workdir:
            remove_intermediates(config.work_dir, free)
        worked = process(free)
        failures |= say(worked.failures)
        if config.rm_workdir_on_success:
            with suppress(KeyboardInterrupt):  # which then leaves some of them, and changes nothing else
                remove_intermediates(config.work_dir, [image for image in free if image.stem not in failures])
    return Worked(failures, worked.methods)


def _queued(choice: PluginChoice, work_dir: Path, images: Sequence[SourceImage]) -> dict[str, Busy]:
    """Images of which a run that was killed has jobs in the queue that cannot be ended, by their stems."""
    from cerebbids.interfaces.scheduler import end_left

    left = end_left(choice.name, work_dir / WORKFLOW, [image.workflow for image in images])
    mend = "end them and run the same command again"
    return {
        image.stem: Busy(image.relative, f"has jobs of a killed run in the queue ({' '.join(jobs)})", mend)
        for image in images
        if (jobs := left.get(image.workflow))
    }


def remove_older(output_dir: Path, image: SourceImage, error: CerebbidsError, written: Collection[str] = ()) -> None:
    """Remove what earlier runs made of an image that is at fault itself.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    image : SourceImage
    error : CerebbidsError
        Why the image failed; nothing goes when it is not at fault.
    written : collection of str
        Keys of derivatives that this run has made, which stay.
    """
    if not isinstance(error, _AGAINST_THE_IMAGE) or not image.path.exists():  # as when git-annex has dropped it
        return
    if kept := find_correction(output_dir, image.path):
        print(f"{kept.subject}: {kept.reason}; all that was made of {image.relative} before is kept", file=sys.stderr)
        return
    _remove(output_dir, image, written)


def _remove(output_dir: Path, image: SourceImage, keep: Collection[str]) -> None:
    """Remove outputs but for some; what cannot be removed is told."""
    try:
        remove_outputs(output_dir, image.path, keep=keep)
    except OSError as refusal:  # one folder must not keep the other images from being done
        reason = f"is out of date and cannot be removed ({refusal.strerror})"
        print(f"{refusal.filename}: {reason}; remove it", file=sys.stderr)


def _start_logs(config: RunConfig, images: Sequence[SourceImage], run_id: str) -> Failures:
    """Keep the choices of the run with every participant; images of one that cannot be written to fail."""
    failures: Failures = {}
    for image in images:
        folder = config.output_dir / f"sub-{image.subject}"
        try:
            config.save(folder / "log" / run_id / "cerebbids.toml")
        except OSError as error:
            reason = f"has outputs that cannot be written ({error.strerror})"
            failures[image.stem] = Unfinished(image.relative, reason, f"mend the permissions of {folder}")
    return failures


def _process(
    config: RunConfig,
    images: Sequence[SourceImage],
    *,
    networks: Networks,
    choice: PluginChoice,
    run: RunSummary,
    run_id: str,
) -> Worked:
    # What these load needs the environment to be prepared.
    from cerebbids.cli.execute import execute
    from cerebbids.workflows.base import init_cerebbids_wf

    workflow = init_cerebbids_wf(config=config, images=images, **asdict(networks), run_id=run_id, plugin=choice.name)
    methods = workflow.visit_desc()
    write_text(config.output_dir / CITATION, methods)
    keep = partial(keep_progress, config.output_dir, run=replace(run, methods_md=methods))
    outcome = execute(workflow, config, images, choice, keep)
    for image in images:
        if error := outcome.failures.get(image.stem):
            remove_older(config.output_dir, image, error, outcome.written[image.stem])
        if not error or LABELS[image.system] in outcome.written[image.stem]:
            _remove(config.output_dir, image, YIELDS[image.system])  # another system may have labelled it before
    return Worked(outcome.failures, methods)
