"""Who is in which role in ``infant.py``, and the images of each: of 24 months as scanned, of younger ones simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cerebbids.training.infants import Infant
from cerebbids.training.younger import younger

AGES = (18, 12, 6)
"""Months, in the order in which labels are carried."""
BEFORE = {18: 24, 12: 18, 6: 12}
"""Age -> the one that its labels come from."""
ROLES = {"test": 3, "manual": 2, "unlabelled": 3, "source": 5}
"""How many of the 13 people are in each role of a split."""
COPIES = {"test": 2, "manual": 2, "unlabelled": 4}
"""Simulated images of each person and age."""
SPLITS = 4
"""Splits whose people tested on are all different."""


@dataclass(frozen=True)
class Split:
    """People in their roles; nobody is in two.

    Parameters
    ----------
    number : int
    source : tuple of str
        Labelled at 24 months.
    unlabelled : tuple of str
        Of all younger ages, in several shapes each.
    manual : tuple of str
        Labelled at a younger age, for the comparison with supervised learning alone.
    test : tuple of str
    """

    number: int
    source: tuple[str, ...]
    unlabelled: tuple[str, ...]
    manual: tuple[str, ...]
    test: tuple[str, ...]


def split_of(people: Sequence[str], number: int) -> Split:
    """Deal 13 people to the roles.

    Examples
    --------
    >>> split_of("abcdefghijklm", 1).test, split_of("abcdefghijklm", 1).source
    (('d', 'e', 'f'), ('l', 'm', 'a', 'b', 'c'))
    """
    start = number * ROLES["test"]
    left = [*people[start:], *people[:start]]
    dealt = {}
    for role, count in ROLES.items():
        dealt[role], left = tuple(left[:count]), left[count:]
    return Split(number, **dealt)


def images_of(infants: Mapping[str, Infant], people: Sequence[str], age: int, copies: int) -> tuple[Infant, ...]:
    """Images at an age: all people once, then once more ... in other shapes; at 24 months once, as they are."""
    if age == 24:
        return tuple(infants[person] for person in people)
    return tuple(younger(infants[person], age, copy) for copy in range(copies) for person in people)
