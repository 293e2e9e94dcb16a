"""Which images of a dataset a run works on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cerebbids.bids.companions import best_companions
from cerebbids.bids.filters import Filters, let_through, read_filters
from cerebbids.bids.layout import open_layout
from cerebbids.bids.names import stem
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, UsageError
from cerebbids.systems.ages import UNKNOWN

# Where raw images lie, and in whose names nothing says that they were made from others: an output folder of this
# program or of another may be anywhere in a dataset.
_RAW = re.compile(r"sub-[^/]+/(ses-[^/]+/)?anat/(?!.*_(?:desc|space)-)[^/]+")
_LABEL = r"[a-zA-Z0-9+]+"
_NAME = re.compile(rf"sub-{_LABEL}(_[a-zA-Z0-9]+-{_LABEL})*_T[12]w\.nii(\.gz)?")


@dataclass(frozen=True)
class SourceImage:
    """One T1w (or T2w) image of a raw dataset.

    Parameters
    ----------
    path : Path
        Absolute path of the file.
    subject : str
        Label without ``sub-``.
    relative : str
        Path from the dataset's root, with forward slashes.
    t2w : Path, optional
        The T2w image beside it that belongs to it.
    t2w_choice : int
        How many T2w images beside it suit it as well as any, that one included.
    system : str
        Published system that works on it.
    months : float, optional
        Age that the system goes by, in months since birth; none where it is not known.
    remarks : tuple of str
        What is to be said of the choice of its system.

    Examples
    --------
    >>> name = "sub-01/anat/sub-01_run-01_T1w.nii"
    >>> image = SourceImage(Path("/data") / name, "01", name, Path("/data/sub-01/anat/sub-01_T2w.nii"))
    >>> image.stem, image.slug, image.uri
    ('sub-01_run-01', 'sub_01_run_01', 'bids:raw:sub-01/anat/sub-01_run-01_T1w.nii')
    >>> image.t2w_uri
    'bids:raw:sub-01/anat/sub-01_T2w.nii'
    """

    path: Path
    subject: str
    relative: str
    t2w: Path | None = None
    t2w_choice: int = 0
    system: str = UNKNOWN
    months: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Name that the derivatives start with."""
        return stem(self.path)

    @property
    def slug(self) -> str:
        """The stem in letters, digits and underscores, for what allows no other characters."""
        return self.stem.replace("-", "_").replace("+", "_plus_")

    @property
    def workflow(self) -> str:
        """Name of its workflow, and of its folder among the intermediate files."""
        return f"{self.slug}_wf"

    @property
    def is_misplaced(self) -> bool:
        """Whether participant and session in its name are not those of its folders: outputs would be another's."""
        folders = [part for part in self.relative.split("/")[:-1] if part.startswith(("sub-", "ses-"))]
        return folders != re.findall(r"(?:^|_)((?:sub|ses)-[^_]+)(?=_)", self.path.name)

    @property
    def uri(self) -> str:
        """The image as BIDS-Derivatives cite it."""
        return f"bids:raw:{self.relative}"

    @property
    def t2w_uri(self) -> str | None:
        """The T2w image as BIDS-Derivatives cite it; it lies in the same folder."""
        return self.t2w and f"bids:raw:{self.relative.rpartition('/')[0]}/{self.t2w.name}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What names and ages alone did not settle."""
        if self.t2w is None or self.t2w_choice < 2:
            return self.remarks
        return (
            *self.remarks,
            f"By their names, {self.t2w_choice} T2w images suit equally well; the first, {self.t2w.name}, was chosen "
            "(--bids-filter-file chooses another).",
        )


@dataclass(frozen=True)
class Selection:
    """Images to work on, images that cannot be told apart, and subjects of which there are none to be found."""

    images: tuple[SourceImage, ...]
    refused: tuple[tuple[SourceImage, BadImage], ...] = ()
    missing: tuple[BadImage, ...] = ()


def select_images(config: RunConfig) -> Selection:
    """Find the T1w images that the user asked for, each with the T2w image that belongs to it.

    Returns
    -------
    Selection
        Images in the order of their names; those whose outputs would be taken for another image's are
        refused. A participant without an image is reported as missing, unless sessions or filters narrowed
        the choice and nobody asked for this participant by name.

    Raises
    ------
    UsageError
        The dataset, a label or the filter file is not what it should be, or no image is left.
    """
    subjects = _chosen_subjects(config)
    filters = read_filters(config.bids_filter_file)
    _check_sessions(config, subjects)
    found = _query(config, subjects, filters)
    if not found:
        raise UsageError(
            str(config.bids_dir),
            "has no T1w image that matches the request",
            "check sub-*/[ses-*/]anat/*_T1w.nii.gz, the labels and the filters",
        )
    refused = (*_ill_named(found), *_clashing(image for image in found if not image.is_misplaced))
    ambiguous = {image for image, _ in refused}
    images = tuple(image for image in found if image not in ambiguous)
    narrowed = bool(config.session_labels or filters["t1w"]) and not config.participant_labels
    without = [] if narrowed else sorted(set(subjects) - {image.subject for image in found})
    return Selection(images, refused, tuple(_no_image(subject) for subject in without))


_FOREIGN = "with parts or characters that BIDS does not allow (letters from a to z, digits and + make a label)"


def _no_image(subject: str) -> BadImage:
    if not re.fullmatch(_LABEL, subject):
        return BadImage(f"sub-{subject}", f"has a label {_FOREIGN}", "rename the participant")
    mend = f"add sub-{subject}/anat/sub-{subject}_T1w.nii.gz or leave the participant out"
    return BadImage(f"sub-{subject}", "has no T1w image that matches the request", mend)


def _ill_named(images: Iterable[SourceImage]) -> Iterator[tuple[SourceImage, BadImage]]:
    mend = "rename or move it: sub-01/anat/sub-01_T1w.nii.gz or sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz, say"
    for image in images:
        if image.is_misplaced:
            reason = "has a name whose participant or session are not those of its folders"
            yield image, BadImage(image.relative, reason, mend)
        elif not _NAME.fullmatch(image.path.name):  # PyBIDS takes what comes before such a character for the label
            yield image, BadImage(image.relative, f"has a name {_FOREIGN}", mend)


def _clashing(images: Iterable[SourceImage]) -> Iterator[tuple[SourceImage, BadImage]]:
    # Equal stems have equal slugs, and so do "acq-a+b" and "acq-a_plus-b": slugs name the work folders.
    groups = defaultdict(list)
    for image in images:
        groups[image.slug].append(image)
    for group in groups.values():
        for image in group if len(group) > 1 else ():
            others = ", ".join(other.relative for other in group if other != image)
            yield image, BadImage(image.relative, f"would share its outputs with {others}", "rename or remove one")


def _chosen_subjects(config: RunConfig) -> tuple[str, ...]:
    known = sorted(path.name[4:] for path in config.bids_dir.glob("sub-*") if path.is_dir())
    check_labels("--participant-label", config.participant_labels, known)
    return config.participant_labels or tuple(known)


def _check_sessions(config: RunConfig, subjects: tuple[str, ...]) -> None:
    folders = (path for subject in subjects for path in config.bids_dir.glob(f"sub-{subject}/ses-*"))
    check_labels("--session-label", config.session_labels, sorted({path.name[4:] for path in folders}))


def check_labels(option: str, asked: tuple[str, ...], known: list[str], place: str = "the dataset") -> None:
    """Refuse labels that are not among those known in a place."""
    unknown = sorted(set(asked) - set(known))
    if unknown:
        shown = " ".join(known[:20]) + (" ..." if len(known) > 20 else "")
        raise UsageError(f"{option} {' '.join(unknown)}", f"is not in {place}", f"{place} has {shown or 'none'}")


def _query(config: RunConfig, subjects: tuple[str, ...], filters: dict[str, Filters]) -> tuple[SourceImage, ...]:
    """Find the T1w images, and beside each the T2w image that suits it best, of several the first by name."""
    chosen = let_through(subjects, filters["t1w"], "subject")
    layout = open_layout(config.bids_dir, chosen, config.bids_database_dir)
    images = _find(layout, config, chosen, "T1w", filters["t1w"])
    if config.t2w == "synth":
        return tuple(images)
    found = _find(layout, config, chosen, "T2w", filters["t2w"])
    beside = defaultdict(list)
    for image in found:
        if not image.is_misplaced:
            beside[image.path.parent].append(image.path)
    companions = [best_companions(image.path, beside[image.path.parent]) for image in images]
    return tuple(
        replace(image, t2w=alike[0], t2w_choice=len(alike)) if alike else image
        for image, alike in zip(images, companions, strict=True)
    )


def _find(layout: Any, config: RunConfig, subjects: Iterable[str], suffix: str, filters: Filters) -> list[SourceImage]:
    """Raw magnitude images of one suffix, in the order of their names."""
    from bids.layout import Query

    chosen = {"subject": let_through(subjects, filters, "subject"), "extension": [".nii", ".nii.gz"]}
    if config.session_labels:
        chosen["session"] = let_through(config.session_labels, filters, "session")
    if not all(chosen.values()):  # for PyBIDS, no label is any label
        return []
    query = {"suffix": suffix, "datatype": "anat", "part": [Query.NONE, "mag"], **filters, **chosen}
    root = Path(layout.root)  # a database may have been made through another path to the same folder
    found = (_source(config.bids_dir, Path(file.path).relative_to(root)) for file in layout.get(**query))
    return sorted((image for image in found if _RAW.fullmatch(image.relative)), key=lambda image: image.relative)


def _source(bids_dir: Path, inside: Path) -> SourceImage:
    relative = inside.as_posix()
    return SourceImage(bids_dir / inside, inside.parts[0].removeprefix("sub-"), relative)
