"""What the two-page sheet of an image's volumes says, whether as PDF or as a line of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cerebbids.bids.names import session_of
from cerebbids.bids.people import Person
from cerebbids.reports.image import ImageReport
from cerebbids.reports.volumetry import Volumetry, read_volumetry


@dataclass(frozen=True)
class Sheet:
    """Content of a sheet.

    Parameters
    ----------
    image : str
        Name of the T1w image.
    scheme : str
        Label scheme of the volumes.
    age : float or None
        Years.
    header : tuple of (str, str)
        What is known of image and run, in order; ``n/a`` with its reason where something is not.
    light : str
        ``green``, ``yellow`` or ``red``; empty where it is not known.
    notes : tuple of str
        Errors and warnings.
    volumetry : Volumetry
    picture : Path or None
        PNG of the labels on the scan.
    """

    image: str
    scheme: str
    age: float | None
    header: tuple[tuple[str, str], ...]
    light: str
    notes: tuple[str, ...]
    volumetry: Volumetry
    picture: Path | None


def sheet_of(image: ImageReport, morph_tsv: Path, scheme: str, picture: Path) -> Sheet:
    """Gather a sheet.

    Parameters
    ----------
    image : ImageReport
    morph_tsv : Path
        Table of volumes of the scheme.
    scheme : str
    picture : Path
        PNG of the labels on the scan; it need not be there.

    Raises
    ------
    CerebbidsError
        The table lacks a region.
    """
    return Sheet(
        image=image.name,
        scheme=scheme,
        age=image.reference.person.age,
        header=_header(image),
        light=image.light or "",
        notes=(*(f"ERROR: {line}" for line in image.errors), *image.warnings),
        volumetry=read_volumetry(morph_tsv, scheme, image.reference),
        picture=picture if _is_picture(picture) else None,
    )


def age_text(person: Person) -> str:
    """Age in years, or in months below two years; ``n/a`` with its reason where it is not known.

    Examples
    --------
    >>> age_text(Person(23.46, age_from="participants.tsv")), age_text(Person(0.5)), age_text(Person(why_no_age="none"))
    ('23.5 years (participants.tsv)', '6.0 months', 'n/a (none)')
    """
    if person.age is None:
        return _unknown(person.why_no_age)
    age = f"{person.age:.1f} years" if person.age >= 2 else f"{12 * person.age:.1f} months"
    return f"{age} ({person.age_from})" if person.age_from else age


def _header(image: ImageReport) -> tuple[tuple[str, str], ...]:
    person, scan, run = image.reference.person, image.scan, image.run
    unread = _unknown("labels or transform cannot be read")
    return (
        ("Participant", image.name.split("_")[0]),
        ("Session", session_of(image.name) or _unknown("none")),
        ("Image", image.name),
        ("Sex", person.sex or _unknown(person.why_no_sex)),
        ("Age", age_text(person)),
        ("Date of the run", f"{run.started:%Y-%m-%d}" if run else _unknown("not recorded")),
        ("Orientation", scan.orientation if scan else unread),
        ("Voxels", " × ".join(f"{size:.2f}" for size in scan.voxel_mm) + " mm" if scan else unread),
        ("Scale to template", f"{scan.scale:.3f}" if scan else unread),
        ("SNR", _snr(image)),
        ("Quality", image.light or _unknown("not recorded")),
        ("Made with", _made_with(image.facts)),
    )


def _made_with(facts: Mapping[str, str]) -> str:
    """What named the labels, and which of them somebody has corrected.

    Examples
    --------
    >>> _made_with({"Made with": "cerebbids 1.0", "Model": "own", "Corrected by hand": "seg-Lobules"})
    'cerebbids 1.0, own; seg-Lobules corrected by hand'
    """
    made = ", ".join(filter(None, (facts.get("Made with"), facts.get("Model")))) or "n/a"
    corrected = facts.get("Corrected by hand")
    return f"{made}; {corrected} corrected by hand" if corrected else made


def _snr(image: ImageReport) -> str:
    snr = image.quality.get("snr")
    if isinstance(snr, int | float):
        return f"{snr:.1f}"
    return _unknown("too little white matter" if "snr" in image.quality else "not measured by the version that made it")


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError):  # a damaged PNG is a SyntaxError to PIL
        return False
    return True


def _unknown(why: str) -> str:
    return f"n/a ({why})" if why else "n/a"
