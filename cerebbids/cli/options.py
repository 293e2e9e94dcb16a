"""What the values of options have to be: the types of the command line."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

from cerebbids.bids.ages import OLDEST

_GIGABYTES = {"K": 1e-6, "M": 1e-3, "G": 1.0, "T": 1e3}


def bare_labels(given: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Labels without their prefix, each once.

    Examples
    --------
    >>> bare_labels(["sub-01", "02", "01"], "sub-")
    ('01', '02')
    """
    return tuple(dict.fromkeys(label.removeprefix(prefix) for label in given))


def absolute(text: str) -> Path:
    """Absolute path, whether there is something or not."""
    return Path(text).absolute()


def folder(text: str) -> Path:
    """Absolute path of a folder that there is."""
    if not Path(text).is_dir():
        raise ArgumentTypeError(f"{text}: is not a folder; check the path")
    return absolute(text)


def file(text: str) -> Path:
    """Absolute path of a file that there is."""
    if not Path(text).is_file():
        raise ArgumentTypeError(f"{text}: is not a file; check the path")
    return absolute(text)


def device(text: str) -> str:
    """Where the networks run."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise ArgumentTypeError(f"{text}: is not a device; choose auto, cpu, cuda or cuda:N")
    return text


def positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """Make the type of numbers above 0."""

    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise ArgumentTypeError(f"{text}: must be a number above 0")
        return value

    number.__name__ = kind.__name__  # argparse names the type so when it cannot be read
    return number


def months(text: str) -> float:
    """Age in months since birth of somebody who may be alive."""
    value = float(text)
    if value < 0:
        raise ArgumentTypeError(f"{text}: lies before birth; tables of people tell postmenstrual ages")
    if not value < math.inf:
        raise ArgumentTypeError(f"{text}: must be a number")
    if value > 12 * OLDEST:
        raise ArgumentTypeError(f"{text}: is nobody's age in months; a year has 12 of them")
    return value


def megabytes(text: str) -> float:
    """Gigabytes of so many megabytes.

    Examples
    --------
    >>> megabytes("6000")
    6.0
    """
    return positive(float)(text) / 1000


def memory(text: str) -> float:
    """Gigabytes of a number with a unit; one without is of megabytes, as for fMRIPrep.

    Examples
    --------
    >>> memory("6000"), memory("6G"), memory("0.5tb"), memory("8000 MB")
    (6.0, 6.0, 500.0, 8.0)
    """
    found = re.fullmatch(r"([\d.]+)\s*([KMGT]?)B?", text, re.IGNORECASE)
    try:
        return positive(float)(found[1]) * _GIGABYTES[found[2].upper() or "M"]
    except (ArgumentTypeError, TypeError, ValueError):
        raise ArgumentTypeError(f"{text}: is no amount of memory; write 8G, or 8000 for megabytes") from None
