"""What the volumes of a dataset are held against: a table of norms, and the ages and sexes of its people."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cerebbids.bids.names import session_of
from cerebbids.bids.people import People, read_people
from cerebbids.errors import UsageError
from cerebbids.norms.table import Norms, read_norms
from cerebbids.reports.volumetry import Reference


@dataclass(frozen=True)
class References:
    """Norms, where there are some, and people."""

    norms: Norms | None = None
    people: People = field(default_factory=People)

    def of(self, image: str) -> Reference:
        """Give what the volumes of one image are held against, by its name.

        Examples
        --------
        >>> References().of("sub-01_ses-a_T1w.nii.gz").person.why_no_age
        'sub-01 is not in participants.tsv'
        """
        return Reference(self.norms, self.people.of(image.split("_")[0], session_of(image)))


NOTHING = References()
"""No norms, and nobody."""


def read_references(norms: Path | None, bids_dir: Path | None, subjects: Iterable[str]) -> References:
    """Read norms and people; a table of people that cannot be read gives nobody, and a line on standard error.

    Parameters
    ----------
    norms : Path or None
        Table of norms.
    bids_dir : Path or None
        Dataset whose ``participants.tsv`` tells ages and sexes; nobody is known where it is out of reach.
    subjects : iterable of str
        Labels without ``sub-`` of the participants to read about.

    Raises
    ------
    UsageError
        The table of norms will not do.
    """
    found = read_norms(norms) if norms else None
    people = known_people(bids_dir, subjects)
    for line in people.warnings if norms else ():
        print(line, file=sys.stderr)
    return References(found, people)


def known_people(bids_dir: Path | None, subjects: Iterable[str]) -> People:
    """Read about people; a table that cannot be read gives nobody, and a line on standard error.

    Parameters are those of :func:`read_references`.
    """
    if bids_dir is None:
        return People(source="participants.tsv: the dataset is out of reach")
    try:
        return read_people(bids_dir / "participants.tsv", subjects)
    except (UsageError, OSError) as error:
        print(error, file=sys.stderr)
        return People(source="participants.tsv, which cannot be read")
