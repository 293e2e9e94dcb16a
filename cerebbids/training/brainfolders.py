"""Folders of a user's own infants: bare brains in the order of BIDS, T1w and T2w, with labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from cerebbids.bids.people import People, read_people
from cerebbids.errors import BadImage, UsageError
from cerebbids.inference.wholebrain import MARGIN, SPACING
from cerebbids.systems.ages import since_term
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL
from cerebbids.training.braincases import BrainCase
from cerebbids.training.neonates import OUTSIDE
from cerebbids.training.scans import Kind, Scan, find_scans, read_scan
from cerebbids.training.supervision import UNLABELLED

_BRAIN = "bare brain", "brain"
BARE = {
    ISOINTENSE.name: Kind(
        *_BRAIN, (f"seg-{ISOINTENSE.scheme}_dseg", "dseg"), 3, False,
        "label CSF 1, grey matter 2, white matter 3, all else 0", SPACING, MARGIN,
    ),
    NEONATAL.name: Kind(
        *_BRAIN, (f"seg-{NEONATAL.scheme}_dseg", "dseg"), 9, True,
        "take the numbers of seg-DrawEM9_dseg.tsv, and 255 for what nobody has labelled", SPACING, MARGIN,
    ),
}  # fmt: skip
"""What images and labels of a system have to be."""
MOST_EMPTY = 0.5
"""Share of what an image shows from which on it shows more than a brain: labels go over a brain and its fluid."""
WEEKS = (24.0, 50.0)
"""Postmenstrual ages that the neonatal system can learn."""
TERM = 40.0
"""Weeks."""


def read_cases(system: str, folder: Path, *, ages: bool = False) -> tuple[BrainCase, ...]:
    """Read all images of a folder and their labels, on voxels of 1 mm, as :mod:`cerebbids.inference.wholebrain` shows.

    Parameters
    ----------
    system : str
        Key of :data:`BARE`.
    folder : Path
    ages : bool
        Whether the ages are asked for; else they are not told (NaN).

    Raises
    ------
    UsageError
        As :func:`cerebbids.training.scans.find_scans`; a T2w image is missing; an age is not known for sure, or none
        of the system.
    BadImage
        As :func:`cerebbids.training.scans.read_scan`; or most of what an image shows has no label.
    """
    scans = find_scans(folder, BARE[system].names)
    for scan in scans:
        if scan.t2w is None:
            raise UsageError(str(scan.t1w), "has no T2w image beside it", "put it there, on the same grid")
    table = folder / "participants.tsv"
    people = read_people(table, sorted({scan.person.removeprefix("sub-") for scan in scans})) if ages else None
    weeks = [math.nan if people is None else weeks_of(people, scan) for scan in scans]
    return tuple(_read(system, scan, age) for scan, age in zip(scans, weeks, strict=True))


def weeks_of(people: People, scan: Scan) -> float:
    """Postmenstrual age at a scan, weeks.

    Raises
    ------
    UsageError
        It is not known for sure, or none of the neonatal system.
    """
    told = people.told(scan.person, scan.session)
    mend = "tell the postmenstrual age and its unit in participants.tsv or sub-*_sessions.tsv, or leave --age out"
    doubt = told.why_not or next(iter(told.warnings), "").rstrip(".")
    if told.months is None or doubt:
        raise UsageError(str(scan.t1w), f"is of an age that is not known for sure ({doubt})", mend)
    weeks = TERM + told.months / since_term(TERM + 1)
    if not WEEKS[0] <= weeks <= WEEKS[1]:
        reason = f"is of {weeks:.4g} postmenstrual weeks ({told.source}), not of {WEEKS[0]:g} to {WEEKS[1]:g}"
        raise UsageError(str(scan.t1w), reason, mend)
    return weeks


def _read(system: str, scan: Scan, weeks: float) -> BrainCase:
    found = read_scan(scan, BARE[system], t2w=True)
    labels, within = found.labels, found.within
    known = labels[within & (labels != UNLABELLED)]
    if not known.size:
        raise BadImage(str(scan.labels), f"labels too little for a voxel of {SPACING:g} mm", "label whole slices")
    empty = float(np.isin(known, (0, OUTSIDE)).mean())
    if empty > MOST_EMPTY:
        reason = f"shows a brain, by its labels, in {100 * (1 - empty):.0f} % of what is not 0"
        raise BadImage(str(scan.t1w), reason, "set everything around the brain to 0, and label all of it")
    if system == NEONATAL.name:  # as the networks' classes have it
        labels = np.where(within & (labels == 0), OUTSIDE, labels).astype(np.uint8)
    return BrainCase(scan.id, found.images, labels, weeks)
