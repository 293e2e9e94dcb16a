"""Participant level, from the request to the last line."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from cerebbids.bids.dataset import start_dataset
from cerebbids.bids.names import DERIVATIVES, SCHEME, derivative_path
from cerebbids.bids.query import SourceImage, select_images
from cerebbids.cli.environment import check_writable, prepare_environment, usable_memory_gb
from cerebbids.cli.preflight import refused_images, will_use_gpu
from cerebbids.config import RunConfig
from cerebbids.errors import CerebbidsError
from cerebbids.files import write_text
from cerebbids.inference.models import bundle_sha256

Failures = dict[str, CerebbidsError]
"""Why images (by their stems) or participants failed."""


@dataclass(frozen=True)
class Network:
    """Which weights the networks have, and whether they run on a GPU."""

    weights_sha256: str
    use_gpu: bool


def show_plan(config: RunConfig) -> int:
    """Print which images a run would take and which files it would make; return the exit code."""
    from rich.console import Console
    from rich.table import Table

    selection = select_images(config)
    table = Table("image", f"outputs in {config.output_dir}", show_lines=True)
    for image in selection.images:
        table.add_row(image.relative, "\n".join(map(str, output_paths(image))))
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    for error in selection.missing:
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
        0 when all images are done, else 1.

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
    network = Network(bundle_sha256(config.models_dir, config.system), will_use_gpu(config.device))
    start_dataset(config.bids_dir, config.output_dir, (SCHEME,))
    run_id = f"{started:%Y%m%d-%H%M%S}_{uuid4()}"
    for subject in sorted({image.subject for image in selection.images}):
        config.save(config.output_dir / f"sub-{subject}" / "log" / run_id / "cerebbids.toml")

    failures = _say({error.subject: error for error in selection.missing})
    refused = refused_images(selection.images, config.nprocs, config.mem_gb or usable_memory_gb())
    failures |= _say({image.stem: error for image, error in refused})
    if sound := [image for image in selection.images if image.stem not in failures]:
        failures |= _say(_process(config, sound, network, run_id))
    _write_reports(config, selection.images, failures, command, started, time.monotonic() - clock)
    print(last_line([image.stem for image in selection.images], failures))
    return 1 if failures else 0


def output_paths(image: SourceImage) -> list[Path]:
    """Files that an image yields, relative to the output folder."""
    return [derivative_path(image.path, key) for key in DERIVATIVES]


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


def _process(config: RunConfig, images: Sequence[SourceImage], network: Network, run_id: str) -> Failures:
    # What these load needs the environment to be prepared.
    from cerebbids.cli.execute import execute
    from cerebbids.workflows.base import init_cerebbids_wf

    workflow = init_cerebbids_wf(config=config, images=images, **asdict(network), run_id=run_id)
    write_text(config.output_dir / "logs" / "CITATION.md", workflow.visit_desc())
    failures = execute(workflow, config, images)
    for image in images:
        absent = [path for path in output_paths(image) if not (config.output_dir / path).exists()]
        if absent and image.stem not in failures:
            failures[image.stem] = CerebbidsError(str(absent[0]), "was not written", "run the same command again")
    return failures


def _write_reports(
    config: RunConfig,
    images: Sequence[SourceImage],
    failures: Failures,
    command: str,
    started: datetime,
    seconds: float,
) -> None:
    from cerebbids import __version__
    from cerebbids.cli.reporting import subject_images
    from cerebbids.reports.html import RunSummary, write_subject_report

    citation = config.output_dir / "logs" / "CITATION.md"
    methods = citation.read_text(encoding="utf-8") if citation.exists() else ""
    run = RunSummary(__version__, command, methods, started, seconds)
    for subject in sorted({image.subject for image in images}):
        reports = subject_images(config.output_dir, subject, images, failures)
        write_subject_report(config.output_dir, subject, reports, run)
