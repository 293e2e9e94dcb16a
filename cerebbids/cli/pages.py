"""Pages of participants, written again from what is in the output folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cerebbids.bids.dataset import source_dataset
from cerebbids.bids.found import stems_with_labels
from cerebbids.cli.environment import check_writable
from cerebbids.cli.records import last_run, read_records
from cerebbids.cli.references import References, read_references
from cerebbids.cli.reporting import of_images_there, recorded_images, unwritten_page
from cerebbids.config import RunConfig
from cerebbids.errors import CerebbidsError, UsageError
from cerebbids.reports.html import write_subject_report
from cerebbids.reports.image import ImageReport
from cerebbids.reports.sheets import write_sheets
from cerebbids.reports.summary import RunSummary


def reports_only(config: RunConfig) -> int:
    """Write the pages of the participants that there are results of; return the exit code.

    Raises
    ------
    UsageError
        There is nothing to report, of anyone or of somebody asked for.
    """
    known = sorted(path.name[4:] for path in config.output_dir.glob("sub-*") if path.is_dir())
    there = [subject for subject in known if _has_results(config.output_dir, subject)]
    if unknown := sorted(set(config.participant_labels) - set(there)) or not there:
        asked = f"--participant-label {' '.join(unknown)}" if there else str(config.output_dir)
        raise UsageError(asked, "has no results to report", "run cerebbids without --reports-only first")
    check_writable(config.output_dir, "mend its permissions")
    subjects = config.participant_labels or there
    references = read_references(config.norms, source_dataset(config.output_dir) or config.bids_dir, subjects)
    failures = write_pages(config.output_dir, subjects, references)
    for error in failures.values():
        print(error, file=sys.stderr)
    return 1 if failures else 0


def write_pages(output_dir: Path, subjects: Iterable[str], references: References) -> dict[str, CerebbidsError]:
    """Write the pages of participants, and the sheets of their images.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    subjects : iterable of str
        Labels without ``sub-``.
    references : References
        What volumes are held against.

    Returns
    -------
    dict of str to CerebbidsError
        Pages that could not be written, and why.
    """
    unwritten: dict[str, CerebbidsError] = {}
    source = source_dataset(output_dir)
    for subject in sorted(subjects):
        with unwritten_page(subject, unwritten):
            records = read_records(output_dir, subject).values()
            images = recorded_images(output_dir, subject, of_images_there(records, source), references)
            write_page(output_dir, subject, images, last_run(records))
    return unwritten


def write_page(output_dir: Path, subject: str, images: Sequence[ImageReport], run: RunSummary | None) -> None:
    """Write the page of a participant, and the sheets that it leads to; where one cannot be, the rest all the same.

    Parameters are those of :func:`cerebbids.reports.html.write_subject_report`.
    """
    with ExitStack() as rest:  # which does all that was put on it, and raises then
        rest.callback(write_subject_report, output_dir, subject, images, run)
        for image in images:
            rest.callback(write_sheets, image)


def _has_results(output_dir: Path, subject: str) -> bool:
    return bool(read_records(output_dir, subject) or list(stems_with_labels(output_dir, subject)))
