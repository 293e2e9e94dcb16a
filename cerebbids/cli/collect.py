"""What there is of every image in an output folder: volumes, quality, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cerebbids.bids.found import beside_labels, stems_with_labels, system_of
from cerebbids.bids.names import CLASS_TABLES, DERIVATIVES, LABEL_MAPS, QUALITY, sidecar_path, stem
from cerebbids.bids.query import check_labels
from cerebbids.bids.sidecars import provenance
from cerebbids.cli.making import Making, making_of
from cerebbids.cli.morphfiles import Volumes, read_morph, read_quality, wrong_table
from cerebbids.cli.records import Record, read_records
from cerebbids.cli.reporting import of_images_there
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, CerebbidsError, UsageError
from cerebbids.imaging.labelmaps import is_changed

STATES = {
    "done": "The last run that worked on it did it",
    "failed": "The last run that worked on it failed; volumes and quality, where there are any, are of an earlier one. "
    "None is shown of labels by a system for other ages than the person's",
    "refused": "It cannot be told apart from another image, and has no results",
    "removed": "It was done, but somebody has removed its labels since",
    "damaged": "A file of its results is missing or damaged, was made otherwise than its labels, or is older than they",
}
"""What can have become of an image."""

_TABLES = {
    "morph": "dseg", "carved_morph": "carved", "vermis_morph": "vermis",
    **{key: key.removesuffix("_morph") for key in CLASS_TABLES},
}  # fmt: skip
"""Tables of volumes, and the labels that they are made from, by their keys."""
_AGAIN = "run cerebbids again on this image"


@dataclass(frozen=True)
class GroupImage:
    """What there is of one T1w image.

    Parameters
    ----------
    path : str
        From the raw dataset's root. Its folders, not its name, tell whose it is: a misplaced image has another's name.
    state, reason : str
        One of `STATES`, and why it is not done.
    volumes : dict
        Tables of volumes by their schemes.
    quality : dict
        What ``_qc.json`` holds; empty where there is none.
    made : Making or None
        How the labels were made, where their sidecar says that.
    corrected : bool
        Whether a sidecar says that somebody has corrected a label map by hand.

    Examples
    --------
    >>> image = GroupImage("sub-1/ses-a/anat/sub-9_T1w.nii.gz", "refused")
    >>> image.stem, image.participant, image.session
    ('sub-9', 'sub-1', 'ses-a')
    """

    path: str
    state: str = "done"
    reason: str = ""
    volumes: Mapping[str, Volumes] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    made: Making | None = None
    corrected: bool = False

    @property
    def stem(self) -> str:
        """Its name without suffix: ``sub-01_ses-a``."""
        return stem(self.path)

    @property
    def source(self) -> str:
        """What its participant's page calls it."""
        return self.path if self.state == "refused" else Path(self.path).name

    @property
    def participant(self) -> str:
        """``sub-01``."""
        return self.path.partition("/")[0]

    @property
    def session(self) -> str:
        """``ses-a``, or nothing."""
        return _session(self.path)


def collect(config: RunConfig) -> tuple[tuple[GroupImage, ...], dict[str, CerebbidsError]]:
    """Gather all images of the chosen participants and sessions that there are labels or records of.

    Parameters
    ----------
    config : RunConfig

    Returns
    -------
    images : tuple of GroupImage
        In the order of their participants and names.
    failures : dict of str to CerebbidsError
        Files that are missing or damaged, and participants without results, by their names.

    Raises
    ------
    UsageError
        There are no labels of any of them, or nothing of a participant or session that was asked for.
    """
    failures: dict[str, CerebbidsError] = {}
    images: list[GroupImage] = []
    for subject in _chosen_subjects(config):
        found = list(_images(config, subject, failures))
        if not found and config.participant_labels:
            reason = f"has no results in {config.output_dir}"
            failures[f"sub-{subject}"] = BadImage(f"sub-{subject}", reason, "check the label, or run cerebbids first")
        images += found
    if not any(image.state in ("done", "damaged") or image.made for image in images):
        asked = f" of {', '.join(config.participant_labels)}" if config.participant_labels else ""
        raise UsageError(str(config.output_dir), f"has no labels of cerebbids{asked}", "run cerebbids on images first")
    return tuple(sorted(images, key=lambda image: (image.participant, image.stem, image.source))), failures


def never_run(config: RunConfig, images: Sequence[GroupImage]) -> int:
    """Count the participants of the dataset with T1w images in the chosen sessions of whom there is nothing."""
    if config.participant_labels:  # then each without results is told by name
        return 0
    places = [f"ses-{label}/anat" for label in config.session_labels] or ["anat", "ses-*/anat"]
    found = {
        folder.name
        for folder in config.bids_dir.glob("sub-*")
        if any(any(folder.glob(f"{place}/*_T1w.nii*")) for place in places)
    }
    return len(found - {image.participant for image in images})


def _chosen_subjects(config: RunConfig) -> tuple[str, ...]:
    known = sorted(path.name[4:] for path in config.output_dir.glob("sub-*") if path.is_dir())
    check_labels("--participant-label", config.participant_labels, known, "the output folder")
    chosen = config.participant_labels or tuple(known)
    places = [f"sub-{subject}/{place}" for subject in chosen for place in ("ses-*", "log/ses-*")]
    sessions = {path.name[4:] for place in places for path in config.output_dir.glob(place)}
    check_labels("--session-label", config.session_labels, sorted(sessions), "the output folder")
    return chosen


def _images(config: RunConfig, subject: str, failures: dict[str, CerebbidsError]) -> Iterator[GroupImage]:
    """Images of one participant in the chosen sessions."""
    records = of_images_there(read_records(config.output_dir, subject).values(), config.bids_dir)
    told = {stem(record.image): record for record in records if not record.refused}
    labels = dict(stems_with_labels(config.output_dir, subject))
    for name in sorted(labels | told):
        folder = labels[name].parent.relative_to(config.output_dir).as_posix() if name in labels else ""
        path = told[name].image if name in told else f"{folder}/{name}_T1w.nii.gz"
        if _is_chosen(path, config):
            record = told.get(name)
            if record and (name not in labels or record.wrong_age):
                yield _without_labels(record)
            else:
                yield _with_labels(path, labels[name], record, failures)
    for record in records:
        if record.refused and _is_chosen(record.image, config):
            yield GroupImage(record.image, "refused", record.error)


def _is_chosen(path: str, config: RunConfig) -> bool:
    return not config.session_labels or _session(path).removeprefix("ses-") in config.session_labels


def _session(path: str) -> str:
    return next((folder for folder in path.split("/")[:-1] if folder.startswith("ses-")), "")


def _without_labels(record: Record) -> GroupImage:
    if record.error:
        return GroupImage(record.image, "failed", record.error)
    return GroupImage(record.image, "removed", "Its labels are no longer there.")


def _with_labels(source: str, labels: Path, record: Record | None, failures: dict[str, CerebbidsError]) -> GroupImage:
    """Read what belongs to labels; a file that cannot be read costs the image that file alone, a map corrected all."""
    wrong: list[CerebbidsError] = []
    told: Mapping[str, Any] = {}
    quality: Mapping[str, Any] = {}
    volumes: dict[str, Volumes] = {}
    with _noted(wrong):
        told = _told(labels)
        _check_counted(labels)
        for key, of_map in _TABLES.items():
            # The vermis is not told apart by all methods.
            if beside_labels(labels, of_map).exists() or beside_labels(labels, key).exists():
                with _noted(wrong):
                    volumes[DERIVATIVES[key]["seg"]] = _volumes(labels, key, told)
        with _noted(wrong):
            quality = _quality(labels, told)
    failures.update((error.subject, error) for error in wrong)
    failed = record.error if record else ""
    reasons = (failed, *(f"{Path(error.subject).name}: {error.reason}" for error in wrong))
    return GroupImage(
        path=source,
        state="failed" if failed else "damaged" if wrong else "done",
        reason="; ".join(reason for reason in reasons if reason),
        volumes=volumes,
        quality=quality,
        made=making_of(told) if told else None,
        corrected=_is_corrected(labels),
    )


@contextmanager
def _noted(wrong: list[CerebbidsError]) -> Iterator[None]:
    try:
        yield
    except CerebbidsError as error:
        wrong.append(error)


def _told(path: Path) -> dict[str, Any]:
    try:
        return provenance(path)
    except ValueError as error:
        raise CerebbidsError(str(path), str(error), "mend it, or move it and its map away and run again") from error


def _volumes(labels: Path, key: str, told: Mapping[str, Any]) -> Volumes:
    """Read a table, and refuse one that a run of other choices has left beside the labels of a run that was ended."""
    path = beside_labels(labels, key)
    volumes = read_morph(path, DERIVATIVES[key]["seg"])
    for file in (beside_labels(labels, _TABLES[key]), path) if told else ():
        if making_of(_told(file)) != making_of(told):
            reason = f"was made with other weights or options than {labels.name}, by what its sidecar or its map's says"
            raise CerebbidsError(str(path), reason, _AGAIN)
    return volumes


def _check_counted(labels: Path) -> None:
    """Refuse label maps that are others than those of which tables and quality tell.

    Raises
    ------
    CerebbidsError
        Somebody has corrected a map since, or its sidecar cannot be read.
    """
    for path in (beside_labels(labels, key) for key in LABEL_MAPS):
        if path.exists() and sidecar_path(path).exists() and _is_another(path):
            reason = "was corrected by hand after its tables were made, or a recount was ended"
            raise wrong_table(path, reason, "count again")


def _is_another(path: Path) -> bool:
    """Whether a label map is another than that of its sidecar."""
    noted = _told(path).get("labels_sha256", "")
    if not noted:  # a recount takes it out until all is written; older versions noted none
        return noted is None
    # To read all maps would take minutes with thousands of people. A sidecar is written after its map; what changes a
    # map, or moves another into its place, does so later.
    of_map, of_sidecar = path.stat(), sidecar_path(path).stat()
    later = of_map.st_mtime_ns > of_sidecar.st_mtime_ns or of_map.st_ctime_ns > of_sidecar.st_ctime_ns
    return later and is_changed(path, noted)


def _quality(labels: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Read the quality, and refuse that of other labels than these, whose sidecar holds the same flags."""
    path = beside_labels(labels, QUALITY[system_of(labels)])
    quality = read_quality(path)
    if told.get("warnings", quality["flags"]) != quality["flags"]:
        raise CerebbidsError(str(path), f"has other flags than the sidecar of {labels.name} has warnings", _AGAIN)
    return quality


def _is_corrected(labels: Path) -> bool:
    for key in LABEL_MAPS:
        with suppress(ValueError):
            if provenance(beside_labels(labels, key)).get("corrected"):
                return True
    return False
