"""What became of each image when it was last worked on: small files in ``sub-<label>/log``, which outlive a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from cerebbids.bids.names import stem
from cerebbids.bids.query import SourceImage
from cerebbids.files import write_text
from cerebbids.reports.summary import RunSummary

HALF = "Its results are being written, or the run was killed while they were; run the same command again."
"""What is said of an image from its first result to its last."""


@dataclass(frozen=True)
class Record:
    """The last state of an image.

    Parameters
    ----------
    image : str
        Path from the raw dataset's root.
    run : RunSummary
        The run that worked on it; its methods are those of the results that there are.
    error : str
        Why it failed; empty where it is done.
    refused : bool
        Whether it cannot be told apart from another image, so that no result is its own.
    wrong_age : bool
        Whether the labels that there are come from a system for other ages than the person's.

    Examples
    --------
    >>> run = RunSummary("1.0", "cerebbids /data", "", datetime(2026, 1, 2), 75.0)
    >>> print(Record("sub-01/anat/sub-01_T1w.nii.gz", run).path)
    sub-01/log/anat/sub-01_T1w.nii.gz.json
    """

    image: str
    run: RunSummary
    error: str = ""
    refused: bool = False
    wrong_age: bool = False

    @property
    def path(self) -> Path:
        """Where it is kept, from the root of the derivatives."""
        subject, _, rest = self.image.partition("/")
        return Path(subject, "log", f"{rest}.json")

    def save(self, output_dir: Path) -> None:
        """Write it to its file, atomically."""
        write_text(output_dir / self.path, json.dumps(asdict(self), default=datetime.isoformat, indent=2))


def read_records(output_dir: Path, subject: str) -> dict[str, Record]:
    """Read what runs have said of a subject's images, by the images' paths; a damaged file says nothing."""
    found = {}
    for folder in ("anat", "ses-*/anat"):
        for path in (output_dir / f"sub-{subject}" / "log").glob(f"{folder}/*.json"):
            with suppress(ValueError, TypeError, KeyError, AttributeError, OSError):
                record = _from_json(json.loads(path.read_text(encoding="utf-8")))
                found[record.image] = record
    return found


def last_run(records: Iterable[Record]) -> RunSummary | None:
    """The run that worked on one of the images last; none where nothing is told."""
    return max((record.run for record in records), key=lambda run: run.started, default=None)


def keep_records(output_dir: Path, records: Iterable[Record]) -> dict[str, Record]:
    """Write records, as far as the disc lets; the pages of this run need them in any case."""
    kept = {}
    for record in records:
        kept[record.image] = record
        with suppress(OSError):
            record.save(output_dir)
    return kept


def keep_progress(output_dir: Path, image: SourceImage, *, done: bool, run: RunSummary) -> None:
    """Say, while a run goes on, that an image is done, or that its first result is about to be written.

    The latter holds if the run is killed then; the methods kept are those of the results that there are so far.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    image : SourceImage
    done : bool
        Whether all its results are there.
    run : RunSummary
        This run, with the methods of its results.
    """
    run = replace(run, seconds=(datetime.now(run.started.tzinfo) - run.started).total_seconds())
    if done:
        record = Record(image.relative, run)
    else:
        before = read_records(output_dir, image.subject).get(image.relative)
        record = Record(image.relative, replace(run, methods_md=before.run.methods_md if before else ""), HALF)
    keep_records(output_dir, [record])


def forget_half(output_dir: Path, subject: str, name: str) -> None:
    """No longer call an image half written, by its stem, as all that hangs on its labels has been made again."""
    half = [record for record in read_records(output_dir, subject).values() if record.error == HALF]
    keep_records(output_dir, [replace(record, error="") for record in half if stem(record.image) == name])


def _from_json(told: Mapping) -> Record:
    run = told["run"] | {"started": datetime.fromisoformat(told["run"]["started"])}
    wrong_age = bool(told.get("wrong_age"))  # of which older versions say nothing
    return Record(str(told["image"]), RunSummary(**run), str(told["error"]), bool(told["refused"]), wrong_age)
