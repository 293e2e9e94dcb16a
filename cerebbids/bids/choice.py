"""Which system works on which image: by the person's age, or as it was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from cerebbids.bids.agecolumns import ToldAge, as_if_born_at_term
from cerebbids.bids.names import session_of
from cerebbids.bids.people import People
from cerebbids.bids.query import SourceImage
from cerebbids.config import RunConfig
from cerebbids.errors import CerebbidsError, WrongAge
from cerebbids.systems.ages import AGES, AUTO, UNKNOWN, age_words, ages_of, gap, pick
from cerebbids.systems.infant import INFANT


@dataclass(frozen=True)
class Chosen:
    """The system of an image.

    Parameters
    ----------
    system : str
        Its name.
    months : float or None
        Age that it went by, in months since birth or, corrected, since term; none where it is not known.
    source : str
        What was read, and where; nothing where the age is not known.
    warnings : tuple of str
        Sentences to be said wherever results of the image are.
    """

    system: str
    months: float | None = None
    source: str = ""
    warnings: tuple[str, ...] = ()


def choose_systems(
    config: RunConfig, images: Iterable[SourceImage], people: People, available: Collection[str]
) -> tuple[dict[str, Chosen], dict[str, CerebbidsError]]:
    """Choose the system of every image.

    Parameters
    ----------
    config : RunConfig
        Choices of the run.
    images : iterable of SourceImage
    people : People
        Those of the dataset, at least the images' own.
    available : collection of str
        Systems whose networks are there.

    Returns
    -------
    chosen : dict of str to Chosen
        By the images' stems.
    refused : dict of str to CerebbidsError
        Why there is none, likewise.
    """
    chosen: dict[str, Chosen] = {}
    refused: dict[str, CerebbidsError] = {}
    for image in images:
        told = _age_of(config, image, people)
        found = _by_age(image, told) if config.system == AUTO else _as_asked(image, told, config.system)
        if isinstance(found, Chosen):
            found = _available(image, found, available)
        if isinstance(found, Chosen):
            chosen[image.stem] = found
        else:
            refused[image.stem] = found
    return chosen, refused


def with_system(image: SourceImage, chosen: Chosen) -> SourceImage:
    """The image with the system that was chosen for it, and what is to be said of that.

    Examples
    --------
    >>> from pathlib import Path
    >>> image = SourceImage(Path("/d/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")
    >>> with_system(image, Chosen("infant", 8.0)).system
    'infant'
    """
    return replace(image, system=chosen.system, months=chosen.months, remarks=chosen.warnings)


def _age_of(config: RunConfig, image: SourceImage, people: People) -> ToldAge:
    if config.age_months is not None:
        return as_if_born_at_term(ToldAge(config.age_months, f"--age-months {config.age_months:g}"))
    return people.told(f"sub-{image.subject}", session_of(image.path.name))


def _by_age(image: SourceImage, told: ToldAge) -> Chosen | CerebbidsError:
    if told.months is None:
        if told.unclear:
            mend = (
                "tell it as a number (of infants: in months) with its unit in the JSON file of the table, "
                "or choose with --age-months or --system"
            )
            return CerebbidsError(image.relative, f"is of a person whose age is not clear ({told.why_not})", mend)
        why = f"The age is not known ({told.why_not}), and {UNKNOWN}, the system for adults, was chosen"
        told_so = f"{why} (--system {UNKNOWN} confirms it, --age-months or another system choose otherwise)."
        return Chosen(UNKNOWN, warnings=(told_so,))
    system = pick(told.months)
    if system is None:
        forced = " or ".join(f"--system {row.system}" for row in AGES if told.months in row.possible)
        reason = f"{_whose(told)}, and there is no system {gap(told.months)}"
        return WrongAge(image.relative, reason, f"correct the age, or force a system: {forced}")
    return Chosen(system, told.months, told.source, (*told.warnings, *_beyond(system, told)))


def _as_asked(image: SourceImage, told: ToldAge, system: str) -> Chosen | CerebbidsError:
    if told.months is None and system == INFANT.name:  # which has a network for each age
        reason = f"has to be labelled by the system {system}, which needs an age ({told.why_not})"
        return CerebbidsError(image.relative, reason, "tell the age with --age-months, or in participants.tsv")
    if told.months is None:
        return Chosen(system, warnings=_beyond(system, told))
    possible = ages_of(system).possible
    if told.months not in possible:
        reason = f"{_whose(told)}, and --system {system} is for ages {possible}"
        mend = "leave --system out, or correct the age (--age-months tells another)"
        return WrongAge(image.relative, reason, mend, pick(told.months))
    doubts = told.warnings if system != UNKNOWN else ()  # which works alike at all ages
    return Chosen(system, told.months, told.source, (*doubts, *_beyond(system, told)))


def _available(image: SourceImage, chosen: Chosen, available: Collection[str]) -> Chosen | CerebbidsError:
    """Refuse a system whose networks are not there, where another one may go on: older folders of bundles have few."""
    if chosen.system == UNKNOWN or chosen.system in available:
        return chosen
    whose = f"of {age_words(chosen.months)} ({chosen.source})" if chosen.months is not None else "of an unknown age"
    reason = f"is of a person {whose}, for the system {chosen.system}, of which there is no bundle"
    return CerebbidsError(image.relative, reason, "leave it out, or give a --models-dir that has one")


def _whose(told: ToldAge) -> str:
    return f"is of a person of {age_words(told.months or 0.0)} ({told.source})"


def _beyond(system: str, told: ToldAge) -> tuple[str, ...]:
    """What is to be said of an age that a system was not validated at, or of one that never was."""
    validated = ages_of(system).validated
    if validated is None:
        return (
            f"The networks of {system} have learnt from synthetic images, and were never validated on real infants.",
        )
    if told.months is None or told.months in validated:
        return ()
    age = f"The age, {age_words(told.months)} ({told.source}),"
    meant = "was validated at" if system == UNKNOWN else "is meant for"
    return (f"{age} is outside of the ages that {system} {meant}: {validated}.",)
