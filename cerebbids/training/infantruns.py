"""What ``cerebbids-train infant`` has made, as the networks of the system for infants."""

from __future__ import annotations

import json
import re
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
    found: dict[str, Path] = {}
    for name in names:
        net = MODELS[nearest_model(_months(work, name))]
        if net in found:
            reason = f"is of an age that {net} is for, and so is {found[net].parent.name}"
            raise UsageError(str(work / name), reason, "train one of them without the other, in another --work")
        found[net] = work / name / "tissue"
    return found | {"confidence": work / names[0] / "confidence"}


def _months(work: Path, name: str) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", name)
    if len(numbers) != 1 or float(numbers[0]) not in ages_of(INFANT.name).possible:
        mend = "name the folder of images by the age alone, such as 24m, and train in another --work"
        raise UsageError(str(work / name), "has a name that does not tell the age in months", mend)
    return float(numbers[0])
