"""Volumes of one image, each with its place among the people of a table of norms: the rows of pages and sheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cerebbids.bids.people import Person
from cerebbids.norms.lookup import LOWER, UPPER, Bound, Place, place
from cerebbids.norms.table import Norms
from cerebbids.reports.volumes import Cavity, Region, read_cavity, read_regions

NO_NORMS = "no table of norms was given (--norms)"
_UNKNOWN = Place().text
_SUMS = {"Grey matter": "grey matter", "White matter": "white matter", "Total": "cerebellum"}
"""Sums of regions, and what they are called with a side before them."""


@dataclass(frozen=True)
class Reference:
    """What volumes are held against: norms, where there are some, and whose the volumes are."""

    norms: Norms | None = None
    person: Person = field(default_factory=Person)


@dataclass(frozen=True)
class Measured:
    """A value, and its place among people; no place where there are no norms.

    Examples
    --------
    >>> Measured(9.0, Place(lower=Bound(10.0), upper=Bound(20.0))).outside
    True
    >>> Measured(9.0).outside
    False
    """

    value: float | None
    place: Place = field(default_factory=Place)

    @property
    def outside(self) -> bool:
        """Whether it lies below the lower or above the upper bound, where both are known."""
        lower, upper = self.place.lower, self.place.upper
        known = self.value is not None and lower is not None and upper is not None
        return known and not lower.value <= self.value <= upper.value

    def bounds(self, digits: int) -> tuple[str, ...]:
        """Lower and upper bound, each with the larger half of its 95 % interval where known; nothing without both.

        Examples
        --------
        >>> Measured(9.0, Place(lower=Bound(10.0, 9.0, 11.0), upper=Bound(20.0))).bounds(1)
        ('[10.0 ±1.0', '20.0]')
        """
        lower, upper = self.place.lower, self.place.upper
        if not (lower and upper):
            return ()
        return f"[{_bound(lower, digits)}", f"{_bound(upper, digits)}]"


def _bound(bound: Bound, digits: int) -> str:
    value = f"{bound.value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    if bound.low is None or bound.high is None:
        return value
    return f"{value} ±{max(bound.high - bound.value, bound.value - bound.low):.{digits}f}"


@dataclass(frozen=True)
class Amount:
    """A volume, cm3, and its percentage of the intracranial cavity."""

    cm3: Measured
    percent: Measured


@dataclass(frozen=True)
class Row:
    """A region: its volumes on both sides, and its asymmetry in percent.

    Parameters
    ----------
    region : Region
    total, right, left : Amount
    asymmetry : Measured
    """

    region: Region
    total: Amount
    right: Amount
    left: Amount
    asymmetry: Measured

    @property
    def measured(self) -> Iterator[Measured]:
        """All values of the row."""
        for amount in (self.total, self.right, self.left):
            yield from (amount.cm3, amount.percent)
        yield self.asymmetry


@dataclass(frozen=True)
class Volumetry:
    """A table of volumes.

    Parameters
    ----------
    rows : tuple of Row
        As :func:`cerebbids.reports.volumes.read_regions` orders regions.
    cavity : Cavity or None
        The intracranial cavity; older tables have none.
    reasons : tuple of str
        Why bounds are missing, and of how many values, the most frequent first; nothing where all are known.
    """

    rows: tuple[Row, ...]
    cavity: Cavity | None
    reasons: tuple[str, ...]

    @property
    def has_norms(self) -> bool:
        """Whether any value has a bound or a centile."""
        return any(each.place.lower or each.place.upper or each.place.text != _UNKNOWN for each in self._measured)

    @property
    def source(self) -> str:
        """Where the norms' people come from; nothing where there are no norms."""
        return next((each.place.source for each in self._measured), "")

    @property
    def people(self) -> str:
        """How many people are behind the bounds: their number, or the least and the largest."""
        counts = sorted({each.place.n for each in self._measured if each.place.n})
        return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))) if counts else ""

    def explained(self) -> tuple[str, ...]:
        """Say what bounds and centiles are of, and why some or all of them are missing; a sentence each."""
        lines = []
        if self.has_norms:
            lines.append(
                f"{self._shown()} Norms of {self.source or 'an unnamed source'}, N = {self.people or 'unknown'}."
            )
        if self.reasons:
            missing = "Some bounds are missing" if self.has_norms else "No bounds are shown"
            lines.append(f"{missing}: {'; '.join(self.reasons)}.")
        return tuple(lines)

    def _shown(self) -> str:
        """What is shown of norms: bounds, or centiles alone."""
        if not any(each.bounds(0) for each in self._measured):
            return "Centiles say how many people of this age (and sex) have less, %; they are no diagnosis."
        return (
            f"In brackets: {LOWER:g} % and {UPPER:g} % centiles of people of this age and (where the norms tell) sex, "
            "each ± the larger half of its 95 % interval. A value outside is in red: of each value that holds for one "
            "in ten people, and so for some of the many values here in almost everybody. It is no diagnosis."
        )

    @property
    def _measured(self) -> tuple[Measured, ...]:
        return tuple(each for row in self.rows for each in row.measured)


def read_volumetry(morph_tsv: Path, scheme: str, reference: Reference) -> Volumetry:
    """Read a table of volumes, and hold every value against norms.

    Parameters
    ----------
    morph_tsv : Path
        ``seg-<scheme>_morph.tsv``.
    scheme : str
        Its label scheme.
    reference : Reference

    Raises
    ------
    CerebbidsError
        It is no table, or a region has no volume.
    """
    cavity = read_cavity(morph_tsv)
    ruler = _Ruler(scheme, reference, cavity.cm3 if cavity else None)
    rows = tuple(ruler.row(region) for region in read_regions(morph_tsv, scheme))
    return Volumetry(rows, cavity, _reasons(rows))


@dataclass(frozen=True)
class _Ruler:
    """Holds volumes (cm3) of one scheme and cavity (cm3) against norms."""

    scheme: str
    reference: Reference
    cavity: float | None

    def row(self, region: Region) -> Row:
        one_side = _SUMS.get(region.name, region.name)
        both = "Cerebellum" if region.name == "Total" else region.name
        return Row(
            region,
            self._amount(both, region.both),
            self._amount(f"Right {one_side}", region.right),
            self._amount(f"Left {one_side}", region.left),
            self._measured(one_side, "asymmetry_percent", region.asymmetry),
        )

    def _amount(self, name: str, cm3: float) -> Amount:
        percent = 100 * cm3 / self.cavity if self.cavity else None
        in_mm3 = self._measured(name, "volume_mm3", 1000 * cm3)
        return Amount(Measured(cm3, _in_cm3(in_mm3.place)), self._measured(name, "icv_percent", percent))

    def _measured(self, name: str, measure: str, value: float | None) -> Measured:
        norms, person = self.reference.norms, self.reference.person
        if norms is None:
            return Measured(value, Place(why=NO_NORMS))
        return Measured(value, place(norms, name, measure, value, person, self.scheme))


def _in_cm3(found: Place) -> Place:
    return replace(found, lower=_thousandth(found.lower), upper=_thousandth(found.upper))


def _thousandth(bound: Bound | None) -> Bound | None:
    if bound is None:
        return None
    low, high = (None if end is None else end / 1000 for end in (bound.low, bound.high))
    return Bound(bound.value / 1000, low, high)


def _reasons(rows: tuple[Row, ...]) -> tuple[str, ...]:
    whys = [each.place.why for row in rows for each in row.measured]
    counts = Counter(why for why in whys if why)
    return tuple(
        why if count == len(whys) else f"{why} ({count} of {len(whys)} values)" for why, count in counts.most_common()
    )
