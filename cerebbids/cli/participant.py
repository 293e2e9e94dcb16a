"""Participant level, from the request to the last line."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from cerebbids.bids.dataset import remove_outputs, start_dataset
from cerebbids.bids.names import DERIVATIVES, SCHEMES, derivative_path
from cerebbids.bids.query import Selection, SourceImage, select_images
from cerebbids.cli.corrections import find_correction, maps_without_hash, told_correction
from cerebbids.cli.environment import check_writable, prepare_environment, usable_memory_gb
from cerebbids.cli.preflight import bad_header, choose_device, corrected_images, missing_t2w, refused_images
from cerebbids.config import RunConfig
from cerebbids.errors import (
    BadImage,
    CerebbidsError,
    Interrupted,
    RegistrationFailed,
    SegmentationFailed,
    Unfinished,
)
from cerebbids.files import write_text
from cerebbids.inference.libraryfiles import LIBRARY_NOTES, open_library
from cerebbids.inference.models import Bundle, read_bundle

Failures = dict[str, CerebbidsError]
"""Why images (by their stems, or by their paths where these are ambiguous), participants or pages failed."""

_AGAINST_THE_IMAGE = (BadImage, RegistrationFailed, SegmentationFailed)
"""Failures that make earlier results doubtful; a full disk or a lack of memory does not."""

_AGAIN = "run the same command again"


@dataclass(frozen=True)
class Network:
    """Title and hash of the model bundle, and the device that it runs on."""

    model: str
    model_sha256: str
    device: str


def show_plan(config: RunConfig) -> int:
    """Print which images a run would take and which files it would make; return the exit code.

    Headers are read and no voxel is, so that it is quick: a truncated image, or a correction by hand that no sidecar
    tells of yet, is not seen.
    """
    from rich.console import Console
    from rich.table import Table

    selection = select_images(config)
    told = {image.stem: told_correction(config.output_dir, image.path) for image in selection.images}
    corrected = {name: error for name, error in told.items() if error}
    _warn_of_unknown(config.output_dir, [image for image in selection.images if image.stem not in corrected])
    table = Table("image", "T2w image", f"outputs in {config.output_dir}", show_lines=True)
    for image in selection.images:
        t2w = image.t2w.name if image.t2w else "none"
        t2w += f" (first of {image.t2w_choice})" if image.warnings else ""
        refusal = corrected.get(image.stem) or missing_t2w(image, config.t2w) or bad_header(image)
        outputs = f"none: {refusal.reason}" if refusal else "\n".join(map(str, output_paths(image, config)))
        table.add_row(image.relative, t2w, outputs)
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    for error in (*_unfit(selection).values(), *corrected.values()):
        console.print(str(error), markup=False, highlight=False)
    return 0


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
        0 when all images are done, 130 when the run was interrupted, else 1.

    Raises
    ------
    UsageError
        The request cannot be fulfilled at all.
    ModelError
        The networks are missing or damaged.
    """
    started, clock = datetime.now().astimezone(), time.monotonic()
    selection = select_images(config)
    check_writable(config.output_dir, "choose another output folder, or mend its permissions")
    check_writable(config.work_dir, "choose another with -w, or mend its permissions")
    prepare_environment(config.work_dir)
    bundle = read_bundle(config.models_dir, config.system)
    network = Network(bundle.title, recipe_sha256(bundle, config), choose_device(config.device))
    start_dataset(config.bids_dir, config.output_dir, SCHEMES, model=bundle.title, licence=bundle.licence)

    run_id = f"{started:%Y%m%d-%H%M%S}_{uuid4()}"
    failures = _say(_unfit(selection))
    for image, error in selection.refused:
        if not image.is_misplaced:
            _remove_older(config.output_dir, image, error)
    failures |= _work(config, selection.images, network, run_id)
    failures |= _say(_write_reports(config, selection, failures, command, started, time.monotonic() - clock))
    print(last_line([image.stem for image in selection.images], failures))
    interrupted = any(isinstance(error, Interrupted) for error in failures.values())
    return 130 if interrupted else 1 if failures else 0


def recipe_sha256(bundle: Bundle, config: RunConfig) -> str:
    """Hash of what makes the result: of ``model.toml``, which holds the weights' hashes, and of the library's notes.

    Raises
    ------
    ModelError
        The bundle lacks a network that the method needs, or the library will not do where one is needed.
    """
    told = (bundle.folder / "model.toml").read_bytes()
    if "deform" in bundle.needed(config.method):
        library = config.library or bundle.library
        open_library(library, bundle.networks["deform"].grid, bundle.scheme)
        told += (library / LIBRARY_NOTES).read_bytes()
    return sha256(told).hexdigest()


def output_paths(image: SourceImage, config: RunConfig) -> list[Path]:
    """Files that an image may yield with the choices of a run, relative to the output folder."""
    never = set() if image.t2w else {"t2w", "t2w_mni"}
    never |= {"t2w_synth", "t2w_synth_mni"} if config.t2w == "real" else set()
    never |= set() if config.method == "nets" else {"vermis", "vermis_morph"}
    never |= set() if config.save_probabilities else {"probseg"}
    return [derivative_path(image.path, key) for key in DERIVATIVES if key not in never]


def last_line(names: Sequence[str], failures: Mapping[str, CerebbidsError]) -> str:
    """Sum a run up.

    Examples
    --------
    >>> last_line(["sub-1", "sub-2"], {"sub-2": CerebbidsError("sub-2_T1w.nii", "is empty", "copy it again")})
    '1 done, 1 failed: sub-2 (is empty)'
    """
    done = sum(name not in failures for name in names)
    reasons = ", ".join(f"{name} ({error.reason})" for name, error in failures.items())
    return f"{done} done, {len(failures)} failed" + (f": {reasons}" if reasons else "")


def _say(failures: Failures) -> Failures:
    for error in failures.values():
        print(error, file=sys.stderr)
    return failures


def _unfit(selection: Selection) -> Failures:
    return {error.subject: error for error in (*selection.missing, *(error for _, error in selection.refused))}


def _warn_of_unknown(output_dir: Path, images: Sequence[SourceImage]) -> None:
    """Tell of images that will be done of which nobody can say whether somebody has corrected their results by hand."""
    for image in images:
        if unknown := maps_without_hash(output_dir, image.path):
            reason = "has no hash in its sidecar, so that nobody can tell whether it was corrected by hand"
            print(f"{unknown[0]}: {reason}; a run replaces it", file=sys.stderr)


def _work(config: RunConfig, images: Sequence[SourceImage], network: Network, run_id: str) -> Failures:
    """Process the images; whatever ends the run, say what became of each."""
    failures: Failures = {}
    try:
        memory_gb = config.mem_gb or usable_memory_gb()
        for image, error in corrected_images(images, config.output_dir, config.nprocs, memory_gb):
            failures |= _say({image.stem: error})
        ours = [image for image in images if image.stem not in failures]
        _warn_of_unknown(config.output_dir, ours)
        failures |= _say(_start_logs(config, ours, run_id))
        writable = [image for image in images if image.stem not in failures]
        for image, error in refused_images(writable, config.nprocs, memory_gb, config.t2w):
            failures |= _say({image.stem: error})
            _remove_older(config.output_dir, image, error)
        if sound := [image for image in images if image.stem not in failures]:
            failures |= _say(_process(config, sound, network, run_id))
    except KeyboardInterrupt:
        rest = [image for image in images if image.stem not in failures]
        failures |= {image.stem: Interrupted(image.relative, "was interrupted", _AGAIN) for image in rest}
    except Exception as error:
        if not isinstance(error, OSError):
            traceback.print_exc()
        reason = f"was not finished ({type(error).__name__}: {error})"
        rest = [image for image in images if image.stem not in failures]
        failures |= _say({image.stem: Unfinished(image.relative, reason, _AGAIN) for image in rest})
    return failures


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


def _process(config: RunConfig, images: Sequence[SourceImage], network: Network, run_id: str) -> Failures:
    # What these load needs the environment to be prepared.
    from cerebbids.cli.execute import execute
    from cerebbids.workflows.base import init_cerebbids_wf

    workflow = init_cerebbids_wf(config=config, images=images, **asdict(network), run_id=run_id)
    write_text(config.output_dir / "logs" / "CITATION.md", workflow.visit_desc())
    outcome = execute(workflow, config, images)
    for image in images:
        if error := outcome.failures.get(image.stem):
            _remove_older(config.output_dir, image, error, outcome.written[image.stem])
    return outcome.failures


def _write_reports(
    config: RunConfig, selection: Selection, failures: Failures, command: str, started: datetime, seconds: float
) -> Failures:
    """Write the participants' pages; one that cannot be written does not keep the others from being."""
    from cerebbids import __version__
    from cerebbids.cli.reporting import subject_images, unwritten_page
    from cerebbids.reports.html import RunSummary, write_subject_report

    citation = config.output_dir / "logs" / "CITATION.md"
    methods = citation.read_text(encoding="utf-8") if citation.exists() else ""
    run = RunSummary(__version__, command, methods, started, seconds)
    images = (*selection.images, *(image for image, _ in selection.refused))
    unwritten: Failures = {}
    without = {error.subject.removeprefix("sub-") for error in selection.missing}
    for subject in sorted({image.subject for image in images} | without):
        with unwritten_page(subject, unwritten):
            reports = subject_images(config, subject, selection.images, failures, run)
            write_subject_report(config.output_dir, subject, reports, run)
    return unwritten
