"""Volumes of one set of regions from those of another, by sums alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cerebbids.interchange.atoms import Atoms


@dataclass(frozen=True)
class Amount:
    """How much of a region there is.

    Parameters
    ----------
    mm3 : float
        Volume.
    n_voxels : int or None
        None where nothing tells it.
    """

    mm3: float
    n_voxels: int | None = None


def carried_over(
    amounts: Mapping[str, Amount], covers: Mapping[str, Atoms], targets: Mapping[str, Atoms]
) -> dict[str, Amount]:
    """Find the volumes of regions as sums of those that are known.

    A region has one where known regions, none of which overlaps with another, fill it exactly. Nothing is subtracted,
    divided or guessed: where a border between two regions is not the source's, there is no number.

    Parameters
    ----------
    amounts : dict of str to Amount
        What is known.
    covers : dict of str to frozenset
        Atoms of what is known.
    targets : dict of str to frozenset
        Atoms of the regions that are asked for.

    Returns
    -------
    dict of str to Amount
        Those of `targets` that could be made, in their order.

    Examples
    --------
    >>> known = {"a": Amount(1.0, 1), "b": Amount(2.0, 2)}
    >>> atoms = {"a": frozenset({1}), "b": frozenset({2, 3})}
    >>> asked = {"all": frozenset({1, 2, 3}), "half": frozenset({1, 2})}
    >>> carried_over(known, atoms, asked)
    {'all': Amount(mm3=3.0, n_voxels=3)}
    """
    largest_first = sorted(amounts, key=lambda name: -len(covers[name]))
    found = {}
    for target, wanted in targets.items():
        parts, left = [], set(wanted)
        for name in largest_first:
            if covers[name] <= left:
                parts.append(amounts[name])
                left -= covers[name]
        if parts and not left:
            found[target] = _sum(parts)
    return found


def _sum(parts: list[Amount]) -> Amount:
    voxels = [part.n_voxels for part in parts]
    known = [count for count in voxels if count is not None]
    return Amount(sum(part.mm3 for part in parts), sum(known) if len(known) == len(voxels) else None)
