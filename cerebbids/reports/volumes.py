"""Volumes of one image, left beside right: the rows of the report's table, and their figure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cerebbids.bids.names import COMPARTMENTS, VERMIS, WHOLE
from cerebbids.data.labels import load_scheme
from cerebbids.errors import CerebbidsError
from cerebbids.imaging.volumetry import CAVITY, MERGED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AGAIN = "make it again with cerebbids-tables"


@dataclass(frozen=True)
class Region:
    """A region of both sides.

    Parameters
    ----------
    name : str
        ``Crus I``, say.
    kind : str
        ``part`` (of I-IV), ``lobule`` or ``sum``.
    left, right : float
        Volumes in cm3.
    colors : tuple of str
        Left and right colour of the label table; none for a sum of several.
    """

    name: str
    kind: str
    left: float
    right: float
    colors: tuple[str, ...] = ()

    @property
    def both(self) -> float:
        """Volume of the two sides together, cm3."""
        return self.left + self.right

    @property
    def asymmetry(self) -> float | None:
        """Asymmetry index ``100 (R - L) / ((R + L) / 2)`` in percent; none where the region is absent.

        Examples
        --------
        >>> Region("VI", "lobule", 9.0, 11.0).asymmetry
        20.0
        """
        return 200 * (self.right - self.left) / self.both if self.both else None


def read_vermis(morph_tsv: Path) -> tuple[tuple[str, float], ...]:
    """Read the parts of the vermis, and their volumes (cm3), from a table that tells it from the hemispheres."""
    volumes, labels = _read_volumes(morph_tsv), load_scheme(VERMIS).labels
    parts = [label for label in labels if label.hemisphere == "midline"]
    return tuple((part.region, _cm3(morph_tsv, volumes, part.name)) for part in parts)


def read_classes(morph_tsv: Path, scheme: str) -> tuple[tuple[str, float], ...]:
    """Read the classes of a scheme without sides, the sum of grey and white matter first, and their volumes (cm3)."""
    volumes, names = _read_volumes(morph_tsv), (label.name for label in load_scheme(scheme).labels)
    return tuple((name, _cm3(morph_tsv, volumes, name)) for name in (WHOLE[scheme], *names))


def read_regions(morph_tsv: Path, scheme: str) -> tuple[Region, ...]:
    """Read a table of lobule volumes.

    Parameters
    ----------
    morph_tsv : Path
        ``seg-<scheme>_morph.tsv``, as :func:`cerebbids.imaging.volumetry.lobule_volumes` makes it.
    scheme : str
        Label scheme of the table.

    Returns
    -------
    tuple of Region
        I-II, III, IV, their sum, the other lobules, grey matter, white matter, total.

    Raises
    ------
    CerebbidsError
        It is no table, or a region has no volume.
    """
    volumes = _read_volumes(morph_tsv)

    def region(name: str, kind: str, row: str = "", colors: tuple[str, ...] = ()) -> Region:
        left, right = (_cm3(morph_tsv, volumes, f"{side} {row or name}") for side in ("Left", "Right"))
        return Region(name, kind, left, right, colors)

    merged, parts = MERGED
    colors: dict[str, tuple[str, ...]] = {}
    for label in load_scheme(scheme).labels:  # the left side comes first
        colors[label.region] = (*colors.get(label.region, ()), label.color)
    *lobules, white = colors
    # The merged lobule borrows the colours of its last part, as it also has a bar in the figure.
    return (
        *(region(name, "part", colors=colors[name]) for name in parts),
        region(merged, "lobule", colors=colors[parts[-1]]),
        *(region(name, "lobule", colors=colors[name]) for name in lobules if name not in parts),
        region("Grey matter", "sum", "grey matter"),
        region("White matter", "sum", "white matter", colors[white]),
        region("Total", "sum", "cerebellum"),
    )


@dataclass(frozen=True)
class Cavity:
    """The intracranial cavity: its volume in cm3, none where it could not be measured."""

    cm3: float | None


def read_cavity(morph_tsv: Path) -> Cavity | None:
    """Read the intracranial cavity's row of a table; tables of older versions have none."""
    volumes = _read_volumes(morph_tsv)
    return Cavity(volumes[CAVITY]) if CAVITY in volumes else None


def _read_volumes(morph_tsv: Path) -> dict[str, float | None]:
    """Volumes in cm3 by the regions' names; none for n/a."""
    try:
        with open(morph_tsv, newline="", encoding="utf-8") as table:
            cells = {row["name"]: row["volume_mm3"] for row in csv.DictReader(table, delimiter="\t")}
        return {name: None if mm3 == "n/a" else float(mm3) / 1000 for name, mm3 in cells.items()}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise CerebbidsError(str(morph_tsv), "is no table of volumes", _AGAIN) from error


def _cm3(morph_tsv: Path, volumes: Mapping[str, float | None], name: str) -> float:
    cm3 = volumes.get(name)
    if cm3 is None:
        raise CerebbidsError(str(morph_tsv), f"has no volume of {name}", _AGAIN)
    return cm3


def volumes_figure(morph_tsv: Path, out: Path) -> None:
    """Draw the lobules' volumes, left against right, and their asymmetry.

    Parameters
    ----------
    morph_tsv : Path
        ``seg-Lobules_morph.tsv``.
    out : Path
        SVG file.
    """
    from cerebbids.reports.charts import chart  # not before a run has given matplotlib a folder to write to

    lobules = [region for region in read_regions(morph_tsv, COMPARTMENTS) if region.kind == "lobule"]
    with chart(out, "Volumes of the lobules", (9.2, 3.8)) as figure:
        left, right, asymmetry = figure.subplots(1, 3, sharey=True, width_ratios=(4, 4, 3))
        _bars(left, lobules, 0)
        _bars(right, lobules, 1)
        _asymmetry(asymmetry, lobules)
        for axes in (left, right, asymmetry):
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x", color="#e3e6ea", linewidth=0.8)
            axes.set_axisbelow(True)


def _bars(axes: Axes, lobules: Sequence[Region], side: int) -> None:
    """Draw one side's bars; the left side's grow to the left."""
    names = [region.name for region in lobules]
    values = [(region.left, region.right)[side] for region in lobules]
    top = max(max(region.left, region.right) for region in lobules) * 1.18 or 1.0
    axes.barh(names, values, color=[region.colors[side] for region in lobules], height=0.72)
    for row, value in enumerate(values):
        axes.annotate(
            f"{value:.2f}",
            (value, row),
            xytext=(-3 if side == 0 else 3, 0),
            va="center",
            ha="right" if side == 0 else "left",
            textcoords="offset points",
            color="#444b55",
            size=8,
        )
    axes.set_xlim((top, 0) if side == 0 else (0, top))
    axes.set_xlabel(f"{('Left', 'Right')[side]}, cm³")
    axes.invert_yaxis() if side == 0 else None
    axes.tick_params(axis="y", labelleft=side == 1, pad=8)


def _asymmetry(axes: Axes, lobules: Sequence[Region]) -> None:
    values = [region.asymmetry or 0.0 for region in lobules]
    reach = max(25.0, *(1.15 * abs(value) for value in values))
    axes.hlines([region.name for region in lobules], 0, values, color="#9aa3ae", linewidth=1.5)
    axes.scatter(values, [region.name for region in lobules], color="#3b4654", s=28, zorder=3)
    axes.axvline(0, color="#3b4654", linewidth=1)
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("Asymmetry, %\n← left larger · right larger →")
    axes.tick_params(axis="y", labelleft=False)
