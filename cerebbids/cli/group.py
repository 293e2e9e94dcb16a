"""``cerebbids ... group``: tables and a page of all images that are done."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cerebbids.bids.dataset import BIDSIGNORE, DESCRIPTIONS, source_dataset
from cerebbids.bids.names import GROUP_PAGE, GROUP_QC
from cerebbids.cli.collect import GroupImage, collect
from cerebbids.cli.grouptables import group_tables, write_tables
from cerebbids.config import RunConfig
from cerebbids.errors import UsageError
from cerebbids.files import write_text
from cerebbids.reports.group import write_group_report

_MADE_WITH = {"version": "versions", "model": "models", "method": "methods"}
"""What the sidecars of labels say of how they were made, and its plural."""


def run_group(config: RunConfig) -> int:
    """Gather what there is of all images in the output folder; return the exit code.

    Parameters
    ----------
    config : RunConfig
        Participants and sessions narrow the choice.

    Returns
    -------
    int
        0, or 1 where a file of an image is missing or damaged, or somebody who was asked for has no results.

    Raises
    ------
    UsageError
        There are no results, they are of another dataset, or an option is for single images only.
    """
    _check(config)
    images, failures = collect(config)
    mixtures = mixtures_of(images)
    tables = group_tables(images, config.bids_dir)
    write_text(config.output_dir / ".bidsignore", BIDSIGNORE)  # of an older version, it does not know these files
    write_text(config.output_dir / "descriptions.tsv", DESCRIPTIONS)
    write_tables(tables, config.output_dir)
    frames = {name: table.frame for name, table in tables.items()}
    described = tables[GROUP_QC].sidecar
    write_group_report(config.output_dir, [image.source for image in images], frames, described, mixtures)
    for line in mixtures:
        print(f"{config.output_dir}: {line}", file=sys.stderr)
    for error in failures.values():
        print(error, file=sys.stderr)
    print(f"{len(images)} images, {len(failures)} problems: {config.output_dir / GROUP_PAGE}")
    return 1 if failures else 0


def mixtures_of(images: Sequence[GroupImage]) -> tuple[str, ...]:
    """Say of what kinds the results are where they are not all of one.

    Examples
    --------
    >>> made = [GroupImage("sub-1", "sub-1_T1w.nii", made={"method": how}) for how in ("nets", "fast", "nets")]
    >>> mixtures_of(made)
    ('holds results of 2 methods (nets: 2 images, fast: 1); compare none of one with those of another',)
    """
    lines = []
    for key, plural in _MADE_WITH.items():
        counts = Counter(str(image.made.get(key) or "unknown") for image in images if image.made)
        if len(counts) > 1:
            (first, most), *rest = counts.most_common()
            told = ", ".join([f"{first}: {most} images", *(f"{value}: {count}" for value, count in rest)])
            lines.append(f"holds results of {len(counts)} {plural} ({told}); compare none of one with those of another")
    return tuple(lines)


def _check(config: RunConfig) -> None:
    """Refuse what would be ignored, or be taken for something else."""
    options = {
        "--dry-run": config.dry_run,
        "--reports-only": config.reports_only,
        "--boilerplate-only": config.boilerplate_only,
        "--bids-filter-file": config.bids_filter_file,
    }
    for option, given in options.items():
        if given:
            raise UsageError(option, "is for single images (participant)", "leave it out, or ask for participant")
    source = source_dataset(config.output_dir)
    if source and not source.samefile(config.bids_dir):
        reason = f"holds results of another dataset ({source.resolve()})"
        raise UsageError(str(config.output_dir), reason, f"give that one, not {Path(config.bids_dir)}")
