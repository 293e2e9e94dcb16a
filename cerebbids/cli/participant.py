"""Participant level, from the request to the last line."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from cerebbids import __version__
from cerebbids.bids.choice import choose_systems, with_system
from cerebbids.bids.dataset import start_dataset
from cerebbids.bids.names import SCHEMES_OF
from cerebbids.bids.people import People
from cerebbids.bids.query import Selection, SourceImage, select_images
from cerebbids.cli.environment import check_shared_memory, check_writable, prepare_environment
from cerebbids.cli.outcome import Failures, code_of_run, last_line, unfinished, unfit
from cerebbids.cli.pluginfile import read_plugin
from cerebbids.cli.preflight import check_device, choose_device
from cerebbids.cli.references import References, known_people, read_references
from cerebbids.cli.work import CITATION, Networks, remove_older, say, work
from cerebbids.config import RunConfig
from cerebbids.errors import ModelError, UsageError
from cerebbids.files import write_text
from cerebbids.inference.libraryfiles import LIBRARY_NOTES, open_library
from cerebbids.inference.models import Bundle, available_systems, read_bundle
from cerebbids.reports.summary import RunSummary
from cerebbids.systems.deepceres import DEEPCERES


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
    # Now, as norms that will not do are to be told before hours of work.
    references = read_references(config.norms, config.bids_dir, _subjects(selection))
    if choice.is_local:
        check_shared_memory()
    else:
        check_device(config.device)
    prepare_environment(config.work_dir)
    selection, without_system = _with_systems(config, selection, references.people)
    ours = [image for image in selection.images if image.stem not in without_system]
    bundles = _bundles(config, ours)
    device = choose_device(config.device) if choice.is_local else config.device
    networks = Networks(_models(bundles, config), device)
    _start_dataset(config, bundles)

    failures = say(unfit(selection) | without_system)
    for image, error in selection.refused:
        if not image.is_misplaced:
            remove_older(config.output_dir, image, error)
    if failures and config.stop_on_first_crash:
        failures |= {image.stem: unfinished(image, None, stopped=True) for image in ours}
    else:
        worked = work(config, ours, networks, choice, run)
        failures |= worked.failures
        run = replace(run, methods_md=worked.methods)
    run = replace(run, seconds=time.monotonic() - clock)
    failures |= say(_write_reports(config, selection, failures, run, references))
    names = [image.stem for image in selection.images]
    print(last_line(names, failures))
    return code_of_run(names, failures)


def write_methods(config: RunConfig) -> int:
    """Write the methods text of a run without running anything; return the exit code.

    Images that no system was chosen for are told, and left out.

    Raises
    ------
    UsageError, ModelError
        As :func:`run_participants`.
    """
    selection = select_images(config)
    check_writable(config.output_dir, "choose another output folder, or mend its permissions")
    check_writable(config.work_dir, "choose another with -w, or mend its permissions")
    prepare_environment(config.work_dir)
    selection, failures = _with_systems(config, selection, known_people(config.bids_dir, _subjects(selection)))
    say(failures)
    images = [image for image in selection.images if image.stem not in failures]
    bundles = _bundles(config, images)
    models = _models(bundles, config)
    _start_dataset(config, bundles)
    from cerebbids.workflows.base import init_cerebbids_wf

    workflow = init_cerebbids_wf(config=config, images=images, models=models, device="cpu", run_id="")
    write_text(config.output_dir / CITATION, workflow.visit_desc())
    print(config.output_dir / CITATION)
    return 1 if failures else 0


def _with_systems(config: RunConfig, selection: Selection, people: People) -> tuple[Selection, Failures]:
    """Give every image its system; those that have none stay as they are, with the reason beside."""
    chosen, refused = choose_systems(config, selection.images, people, available_systems(config.models_dir))
    images = (with_system(image, chosen[image.stem]) if image.stem in chosen else image for image in selection.images)
    return replace(selection, images=tuple(images)), refused


def _bundles(config: RunConfig, images: Sequence[SourceImage]) -> dict[str, Bundle]:
    """Read the model bundle of every system that occurs."""
    return {system: read_bundle(config.models_dir, system) for system in sorted({image.system for image in images})}


def _models(bundles: Mapping[str, Bundle], config: RunConfig) -> dict[str, tuple[str, str]]:
    return {system: (bundle.title, recipe_sha256(bundle, config)) for system, bundle in bundles.items()}


def _start_dataset(config: RunConfig, bundles: Mapping[str, Bundle]) -> None:
    licences = {bundle.title: bundle.licence for bundle in bundles.values()}
    schemes = [scheme for system in bundles for scheme in SCHEMES_OF[system]]
    start_dataset(config.bids_dir, config.output_dir, tuple(schemes), models=licences)


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
    if bundle.name != DEEPCERES.name:
        return sha256(told).hexdigest()
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


def _write_reports(
    config: RunConfig, selection: Selection, failures: Failures, run: RunSummary, references: References
) -> Failures:
    """Write the participants' pages; one that cannot be written does not keep the others from being."""
    from cerebbids.cli.pages import write_page
    from cerebbids.cli.reporting import subject_images, unwritten_page

    unwritten: Failures = {}
    for subject in _subjects(selection):
        with unwritten_page(subject, unwritten):
            reports = subject_images(config, subject, selection.images, failures, run, references)
            write_page(config.output_dir, subject, reports, run)
    return unwritten


def _subjects(selection: Selection) -> list[str]:
    """Labels of all participants whom a run says something of."""
    images = (*selection.images, *(image for image, _ in selection.refused))
    without = {error.subject.removeprefix("sub-") for error in selection.missing}
    return sorted({image.subject for image in images} | without)
