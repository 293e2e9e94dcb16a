"""Participant level, from the request to the last line."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from cerebbids import __version__
from cerebbids.bids.dataset import remove_outputs, start_dataset
from cerebbids.bids.names import SCHEMES
from cerebbids.bids.query import Selection, SourceImage, select_images
from cerebbids.cli.corrections import find_correction
from cerebbids.cli.environment import check_shared_memory, check_writable, prepare_environment, usable_memory_gb
from cerebbids.cli.intermediates import WORKFLOW, remove_intermediates
from cerebbids.cli.locks import locked
from cerebbids.cli.outcome import AGAIN, Failures, code_of_run, last_line, unfinished, unfit
from cerebbids.cli.plan import warn_of_unknown
from cerebbids.cli.pluginfile import PluginChoice, read_plugin
from cerebbids.cli.preflight import check_device, choose_device, corrected_images, refused_images
from cerebbids.cli.records import keep_progress
from cerebbids.config import RunConfig
from cerebbids.errors import (
    BadImage,
    Busy,
    CerebbidsError,
    Defect,
    Interrupted,
    ModelError,
    RegistrationFailed,
    SegmentationFailed,
    Unfinished,
    UsageError,
)
from cerebbids.files import write_text
from cerebbids.inference.libraryfiles import LIBRARY_NOTES, open_library
from cerebbids.inference.models import Bundle, read_bundle
from cerebbids.reports.summary import RunSummary

_AGAINST_THE_IMAGE = (BadImage, RegistrationFailed, SegmentationFailed)
"""Failures that make earlier results doubtful; a full disk or a lack of memory does not."""
CITATION = Path("logs", "CITATION.md")
"""Methods text, in the output folder."""


@dataclass(frozen=True)
class Worked:
    """What became of images: why some failed, and the methods text of those that were worked on."""

    failures: Failures
    methods: str = ""


@dataclass(frozen=True)
class Network:
    """Title and hash of the model bundle, and the device that it runs on."""

    model: str
    model_sha256: str
    device: str


def run_participants(config: RunConfig, command: str) -> int:
    """Process the images that the user asked for; a failed one does not keep the others from being done.

    Parameters
    ----------
    config : RunConfig
        Choices of the run.
    command : str
        How the program was called, for the reports.

    Returns
    -------
    int
        As :func:`cerebbids.cli.outcome.code_of_run`.

    Raises
    ------
    UsageError
        The request cannot be fulfilled at all.
    ModelError
        The networks are missing or damaged.
    """
    run, clock = RunSummary(__version__, command, "", datetime.now().astimezone(), 0.0), time.monotonic()
    selection = select_images(config)
    check_writable(config.output_dir, "choose another output folder, or mend its permissions")
    check_writable(config.work_dir, "choose another with -w, or mend its permissions")
    choice = read_plugin(config.plugin_file, config.work_dir)
    if choice.is_local:
        check_shared_memory()
    else:
        check_device(config.device)
    prepare_environment(config.work_dir)
    bundle = read_bundle(config.models_dir, config.system)
    device = choose_device(config.device) if choice.is_local else config.device
    network = Network(bundle.title, recipe_sha256(bundle, config), device)
    start_dataset(config.bids_dir, config.output_dir, SCHEMES, model=bundle.title, licence=bundle.licence)

    failures = _say(unfit(selection))
    for image, error in selection.refused:
        if not image.is_misplaced:
            _remove_older(config.output_dir, image, error)
    if failures and config.stop_on_first_crash:
        failures |= {image.stem: unfinished(image, None, stopped=True) for image in selection.images}
    else:
        worked = _work(config, selection.images, network, choice, run)
        failures |= worked.failures
        run = replace(run, methods_md=worked.methods)
    run = replace(run, seconds=time.monotonic() - clock)
    failures |= _say(_write_reports(config, selection, failures, run))
    names = [image.stem for image in selection.images]
    print(last_line(names, failures))
    return code_of_run(names, failures)


def write_methods(config: RunConfig) -> int:
    """Write the methods text of a run without running anything; return the exit code.

    Raises
    ------
    UsageError, ModelError
        As :func:`run_participants`.
    """
    selection = select_images(config)
    check_writable(config.output_dir, "choose another output folder, or mend its permissions")
    check_writable(config.work_dir, "choose another with -w, or mend its permissions")
    prepare_environment(config.work_dir)
    bundle = read_bundle(config.models_dir, config.system)
    start_dataset(config.bids_dir, config.output_dir, SCHEMES, model=bundle.title, licence=bundle.licence)
    from cerebbids.workflows.base import init_cerebbids_wf

    network = Network(bundle.title, recipe_sha256(bundle, config), "cpu")
    workflow = init_cerebbids_wf(config=config, images=selection.images, **asdict(network), run_id="")
    write_text(config.output_dir / CITATION, workflow.visit_desc())
    print(config.output_dir / CITATION)
    return 0


def recipe_sha256(bundle: Bundle, config: RunConfig) -> str:
    """Hash of what makes the result: of ``model.toml``, which holds the weights' hashes, and of the library's notes.

    Raises
    ------
    ModelError
        The bundle lacks a network that the method needs, or its library will not do where one is needed.
    UsageError
        A library of the user's own will not do.
    """
    told = (bundle.folder / "model.toml").read_bytes()
    if "deform" in bundle.needed(config.method):
        library = config.library or bundle.library
        try:
            open_library(library, bundle.networks["deform"].grid, bundle.scheme)
        except ModelError as error:
            if config.library:
                raise UsageError(error.subject, error.reason, error.mend) from error
            raise
        told += (library / LIBRARY_NOTES).read_bytes()
    return sha256(told).hexdigest()


def _say(failures: Failures) -> Failures:
    for error in failures.values():
        print(error, file=sys.stderr)
    return failures


def _work(
    config: RunConfig, images: Sequence[SourceImage], network: Network, choice: PluginChoice, run: RunSummary
) -> Worked:
    """Process the images; whatever ends the run, say what became of each."""
    failures: Failures = {}
    methods = ""
    run_id = f"{run.started:%Y%m%d-%H%M%S}_{uuid4()}"
    try:
        memory_gb = config.mem_gb or usable_memory_gb()
        for image, error in corrected_images(images, config.output_dir, config.nprocs, memory_gb):
            failures |= _say({image.stem: error})
        ours = [image for image in images if image.stem not in failures]
        warn_of_unknown(config.output_dir, ours)
        failures |= _say(_start_logs(config, ours, run_id))
        writable = [image for image in images if image.stem not in failures]
        for image, error in refused_images(writable, config.nprocs, memory_gb, config.t2w):
            failures |= _say({image.stem: error})
            _remove_older(config.output_dir, image, error)
        sound = [image for image in images if image.stem not in failures]
        if failures and config.stop_on_first_crash:
            failures |= {image.stem: unfinished(image, None, stopped=True) for image in sound}
        elif sound:
            worked = _alone(config, sound, network, choice, run, run_id)
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
        failures |= _say({image.stem: kind(image.relative, reason, AGAIN) for image in rest})
    return Worked(failures, methods)


def _alone(
    config: RunConfig,
    images: Sequence[SourceImage],
    network: Network,
    choice: PluginChoice,
    run: RunSummary,
    run_id: str,
) -> Worked:
    """Process the images that no other run has in work in this work folder."""
    with locked(config.work_dir, images) as locks:
        free = [image for image in images if image.stem not in locks.taken]
        queued = {} if choice.is_local or not locks.hold else _queued(choice, config.work_dir, free)
        failures: Failures = _say({**locks.taken, **queued})
        free = [image for image in free if image.stem not in failures]
        if not free:
            return Worked(failures)
        if config.clean_workdir:
            remove_intermediates(config.work_dir, free)
        worked = _process(config, free, network, choice, run, run_id)
        failures |= _say(worked.failures)
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


def _remove_older(output_dir: Path, image: SourceImage, error: CerebbidsError, written: Collection[str] = ()) -> None:
    if not isinstance(error, _AGAINST_THE_IMAGE) or not image.path.exists():  # as when git-annex has dropped it
        return
    if kept := find_correction(output_dir, image.path):
        print(f"{kept.subject}: {kept.reason}; all that was made of {image.relative} before is kept", file=sys.stderr)
        return
    try:
        remove_outputs(output_dir, image.path, keep=written)
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
    network: Network,
    choice: PluginChoice,
    run: RunSummary,
    run_id: str,
) -> Worked:
    # What these load needs the environment to be prepared.
    from cerebbids.cli.execute import execute
    from cerebbids.workflows.base import init_cerebbids_wf

    workflow = init_cerebbids_wf(config=config, images=images, **asdict(network), run_id=run_id, plugin=choice.name)
    methods = workflow.visit_desc()
    write_text(config.output_dir / CITATION, methods)
    keep = partial(keep_progress, config.output_dir, run=replace(run, methods_md=methods))
    outcome = execute(workflow, config, images, choice, keep)
    for image in images:
        if error := outcome.failures.get(image.stem):
            _remove_older(config.output_dir, image, error, outcome.written[image.stem])
    return Worked(outcome.failures, methods)


def _write_reports(config: RunConfig, selection: Selection, failures: Failures, run: RunSummary) -> Failures:
    """Write the participants' pages; one that cannot be written does not keep the others from being."""
    from cerebbids.cli.reporting import subject_images, unwritten_page
    from cerebbids.reports.html import write_subject_report

    images = (*selection.images, *(image for image, _ in selection.refused))
    unwritten: Failures = {}
    without = {error.subject.removeprefix("sub-") for error in selection.missing}
    for subject in sorted({image.subject for image in images} | without):
        with unwritten_page(subject, unwritten):
            reports = subject_images(config, subject, selection.images, failures, run)
            write_subject_report(config.output_dir, subject, reports, run)
    return unwritten
