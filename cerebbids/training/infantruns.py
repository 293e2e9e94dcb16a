"""What ``cerebbids-train infant`` has made, as the networks of the system for infants."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from cerebbids.errors import UsageError
from cerebbids.systems.ages import ages_of
from cerebbids.systems.infant import INFANT, MODELS, nearest_model
from cerebbids.training.transfer import NOTES


def infant_runs(work: Path) -> dict[str, Path]:
    """Folders of the runs by the names that the networks have in a bundle; nothing where there are none.

    Networks for tissues go by the ages that the names of their cohorts tell. What judges them is that of the first
    cohort, the only one whose labels somebody has drawn.

    Parameters
    ----------
    work : Path
        As :func:`cerebbids.training.transfer.transfer` leaves it.

    Raises
    ------
    UsageError
        The name of a cohort does not tell its age in months, or two are of ages that one network is for.
    """
    if not (work / NOTES).exists():
        return {}
    names = [cohort["name"] for cohort in json.loads((work / NOTES).read_text(encoding="utf-8"))["cohorts"]]
    found = {net: work / name / "tissue" for net, name in networks_of([work / name for name in names]).items()}
    return found | {"confidence": work / names[0] / "confidence"}


def networks_of(cohorts: Sequence[Path]) -> dict[str, str]:
    """Names of cohorts by the network for tissues that each teaches.

    Parameters
    ----------
    cohorts : sequence of Path
        Folders with the cohorts' names.

    Raises
    ------
    UsageError
        As :func:`infant_runs`.

    Examples
    --------
    >>> networks_of([Path("24m"), Path("9m")])
    {'tissue24': '24m', 'tissue12': '9m'}
    """
    found: dict[str, str] = {}
    for folder in cohorts:
        net = MODELS[nearest_model(_months(folder))]
        if net in found:
            reason = f"is of an age that {net} is for, and so is {found[net]}"
            raise UsageError(str(folder), reason, "train one of them without the other, in another --work")
        found[net] = folder.name
    return found


def _months(folder: Path) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", folder.name)
    if len(numbers) != 1 or float(numbers[0]) not in ages_of(INFANT.name).possible:
        mend = "name the folder of images by the age alone, such as 24m, and train in another --work"
        raise UsageError(str(folder), "has a name that does not tell the age in months", mend)
    return float(numbers[0])
