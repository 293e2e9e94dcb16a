"""What there is of every image in an output folder: volumes, quality, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cerebbids.bids.names import DERIVATIVES, beside_labels, stem, stems_with_labels
from cerebbids.bids.sessions import Entities, entities_of
from cerebbids.bids.sidecars import provenance
from cerebbids.cli.morphfiles import Volumes, read_morph, read_quality
from cerebbids.cli.records import Record, read_records
from cerebbids.cli.reporting import of_images_there
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, CerebbidsError, UsageError

STATES = {
    "done": "The last run that worked on it did it",
    "failed": "The last run that worked on it failed; volumes and quality, where there are any, are of an earlier one",
    "refused": "It cannot be told apart from another image, and has no results",
    "removed": "It was done, but somebody has removed its labels since",
    "damaged": "A file of its results is missing or damaged",
}
"""What can have become of an image."""

_TABLES = {"morph": "dseg", "carved_morph": "carved", "vermis_morph": "vermis"}
"""Tables of volumes, and the labels that they are made from, by their keys."""


@dataclass(frozen=True)
class GroupImage:
    """What there is of one T1w image.

    Parameters
    ----------
    stem : str
        Its name without suffix: ``sub-01_ses-a``.
    source : str
        What its participant's page calls it.
    state, reason : str
        One of `STATES`, and why it is not done.
    volumes : dict
        Tables of volumes by their schemes.
    quality : dict
        What ``_qc.json`` holds; empty where there is none.
    made : dict
        How the labels were made, as their sidecar says.
    """

    stem: str
    source: str
    state: str = "done"
    reason: str = ""
    volumes: Mapping[str, Volumes] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entities(self) -> Entities:
        """What its name says."""
        return entities_of(self.stem)


def collect(config: RunConfig) -> tuple[tuple[GroupImage, ...], dict[str, CerebbidsError]]:
    """Gather all images of the chosen participants and sessions that there are labels or records of.

    Parameters
    ----------
    config : RunConfig

    Returns
    -------
    images : tuple of GroupImage
        In the order of their names.
    failures : dict of str to CerebbidsError
        Files that are missing or damaged, and participants without results, by their names.

    Raises
    ------
    UsageError
        There are no labels of any of them.
    """
    failures: dict[str, CerebbidsError] = {}
    images: list[GroupImage] = []
    known = sorted(path.name[4:] for path in config.output_dir.glob("sub-*") if path.is_dir())
    for subject in config.participant_labels or known:
        found = list(_images(config, subject, failures)) if subject in known else []
        if not found and config.participant_labels:
            reason = f"has no results in {config.output_dir}"
            failures[f"sub-{subject}"] = BadImage(f"sub-{subject}", reason, "check the label, or run cerebbids first")
        images += found
    if not any(image.state in ("done", "damaged") or image.made for image in images):
        asked = f" of {', '.join(config.participant_labels)}" if config.participant_labels else ""
        raise UsageError(str(config.output_dir), f"has no labels of cerebbids{asked}", "run cerebbids on images first")
    return tuple(sorted(images, key=lambda image: (image.stem, image.source))), failures


def _images(config: RunConfig, subject: str, failures: dict[str, CerebbidsError]) -> Iterator[GroupImage]:
    """Images of one participant in the chosen sessions."""
    records = of_images_there(read_records(config.output_dir, subject).values(), config.bids_dir)
    told = {stem(record.image): record for record in records if not record.refused}
    labels = dict(stems_with_labels(config.output_dir, subject))
    for name in sorted(labels | told):
        if _is_chosen(name, config):
            yield (
                _with_labels(name, labels[name], told.get(name), failures)
                if name in labels
                else _without_labels(name, told[name])
            )
    for record in records:
        if record.refused and _is_chosen(stem(record.image), config):
            yield GroupImage(stem(record.image), record.image, "refused", record.error)


def _is_chosen(name: str, config: RunConfig) -> bool:
    return not config.session_labels or entities_of(name).session.removeprefix("ses-") in config.session_labels


def _without_labels(name: str, record: Record) -> GroupImage:
    source = Path(record.image).name
    if record.error:
        return GroupImage(name, source, "failed", record.error)
    return GroupImage(name, source, "removed", "Its labels are no longer there.")


def _with_labels(name: str, labels: Path, record: Record | None, failures: dict[str, CerebbidsError]) -> GroupImage:
    """Read what belongs to labels; a file that cannot be read costs the image that file alone."""
    wrong: list[CerebbidsError] = []
    volumes = {}
    for key, of_map in _TABLES.items():
        path, scheme = beside_labels(labels, key), DERIVATIVES[key]["seg"]
        if beside_labels(labels, of_map).exists() or path.exists():  # the vermis is not told apart by all methods
            try:
                volumes[scheme] = read_morph(path, scheme)
            except CerebbidsError as error:
                wrong.append(error)
    quality: Mapping[str, Any] = {}
    try:
        quality = read_quality(beside_labels(labels, "qc"))
    except CerebbidsError as error:
        wrong.append(error)
    made: Mapping[str, Any] = {}
    try:
        made = provenance(labels)
    except ValueError as error:
        wrong.append(CerebbidsError(str(labels), str(error), "mend it, or move it and its map away and run again"))
    failures.update((error.subject, error) for error in wrong)
    failed = record.error if record else ""
    reasons = (failed, *(f"{Path(error.subject).name}: {error.reason}" for error in wrong))
    return GroupImage(
        stem=name,
        source=Path(record.image).name if record else f"{name}_T1w.nii.gz",
        state="failed" if failed else "damaged" if wrong else "done",
        reason="; ".join(reason for reason in reasons if reason),
        volumes=volumes,
        quality=quality,
        made=made,
    )
