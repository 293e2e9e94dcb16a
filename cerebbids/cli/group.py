"""``cerebbids ... group``: tables and a page of all images that are done."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cerebbids.bids.dataset import BIDSIGNORE, DESCRIPTIONS, source_dataset
from cerebbids.bids.names import GROUP_PAGE, GROUP_QC
from cerebbids.cli.collect import STATES, GroupImage, collect, never_run
from cerebbids.cli.environment import check_writable
from cerebbids.cli.grouptables import group_tables, remove_older, table_files
from cerebbids.cli.making import mixtures_of
from cerebbids.config import RunConfig
from cerebbids.errors import UsageError
from cerebbids.files import write_text
from cerebbids.reports.group import group_page


def run_group(config: RunConfig) -> int:
    """Gather what there is of all images in the output folder; return the exit code.

    Parameters
    ----------
    config : RunConfig
        Participants and sessions narrow the choice.

    Returns
    -------
    int
        0 where all images of the choice are done; 1 where one is not (it failed, say, or a file of it is damaged), or
        somebody who was asked for has no results.

    Raises
    ------
    UsageError
        There are no results, they are of another dataset, nobody may write beside them, a label that was asked for is
        nowhere in the output folder, or an option is for single images only.
    """
    _check(config)
    images, failures = collect(config)
    mixtures = mixtures_of([image.made for image in images if image.made])
    left_out = _left_out(never_run(config, images))
    _write(config, images, mixtures, left_out)
    for line in mixtures:
        print(f"{config.output_dir}: {line}", file=sys.stderr)
    if left_out:
        print(f"{config.bids_dir}: {left_out}", file=sys.stderr)
    for error in failures.values():
        print(error, file=sys.stderr)
    counts = Counter(image.state for image in images)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    print(f"{len(images)} images: {told}; {config.output_dir / GROUP_PAGE}")
    return 1 if failures or counts["done"] < len(images) else 0


def _write(config: RunConfig, images: Sequence[GroupImage], mixtures: Sequence[str], left_out: str) -> None:
    """Write all files; none before the last of them is made."""
    tables = group_tables(images, config.bids_dir)
    frames = {name: table.frame for name, table in tables.items()}
    described = tables[GROUP_QC].sidecar
    page = group_page([image.source for image in images], frames, described, mixtures, left_out)
    older = {".bidsignore": BIDSIGNORE, "descriptions.tsv": DESCRIPTIONS}  # of an older version, without these files
    for name, text in (older | table_files(tables) | {GROUP_PAGE: page}).items():
        write_text(config.output_dir / name, text)
    remove_older(tables, config.output_dir)


def _left_out(count: int) -> str:
    """Say how many participants have no results.

    Examples
    --------
    >>> _left_out(1), _left_out(3), _left_out(0)
    ('1 participant of the dataset has no results', '3 participants of the dataset have no results', '')
    """
    told = "1 participant of the dataset has" if count == 1 else f"{count} participants of the dataset have"
    return f"{told} no results" if count else ""


def _check(config: RunConfig) -> None:
    """Refuse what would be ignored, or be taken for something else."""
    options = {
        "--dry-run": config.dry_run,
        "--reports-only": config.reports_only,
        "--boilerplate-only": config.boilerplate_only,
        "--bids-filter-file": config.bids_filter_file,
        "--norms": config.norms,
    }
    for option, given in options.items():
        if given:
            raise UsageError(option, "is for single images (participant)", "leave it out, or ask for participant")
    source = source_dataset(config.output_dir)
    if source and not source.samefile(config.bids_dir):
        reason = f"holds results of another dataset ({source.resolve()})"
        raise UsageError(str(config.output_dir), reason, f"give that one, not {Path(config.bids_dir)}")
    if config.output_dir.is_dir():
        check_writable(config.output_dir, "mend its permissions")
