"""What the flat map shows: of one image, and of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex

from cerebbids.imaging.cohort import LEAST
from cerebbids.reports.flatsurface import lobules
from cerebbids.reports.volumes import Region

NOT_KNOWN = "#d9dde2"
"""Colour of a lobule that has no value."""

Place = tuple[str, str]
"""A lobule's name and its side, ``left`` or ``right``."""

SIDED = LinearSegmentedColormap.from_list("sided", ["#114a91", "#6ea3dc", "#f5f5f5", "#dd9a6c", "#8f3d0c"])
"""Blue, as the left is drawn elsewhere, to orange; told apart with any kind of colour vision."""


@dataclass(frozen=True)
class Measure:
    """Values of lobules, and how they are coloured and written.

    Parameters
    ----------
    title, bar : str
        What it is, and what stands at its colour bar.
    values : dict of (name, side) to float or None
    low, high : float
        Ends of the colours; fixed, so that maps can be compared. What is beyond has the colour of the end.
    colors : Colormap
    form : str
        Format of a value, in percent.
    of_both : bool
        Whether a value is of both sides together.

    Examples
    --------
    >>> measure = Measure("Share", "%", {("VI", "left"): 3.0}, 0, 12, mpl.colormaps["viridis"], ".1f")
    >>> measure.text(("VI", "left")), measure.text(("VI", "right")), measure.ink(("VI", "left"))
    ('3.0', 'n/a', '#ffffff')
    """

    title: str
    bar: str
    values: Mapping[Place, float | None]
    low: float
    high: float
    colors: Colormap
    form: str
    of_both: bool = False

    def color(self, place: Place) -> str:
        """Colour of a lobule, ``#rrggbb``."""
        value = self.values.get(place)
        return NOT_KNOWN if value is None else to_hex(self.colors((value - self.low) / (self.high - self.low)))

    def ink(self, place: Place) -> str:
        """Colour of what is written on a lobule: black or white, whichever is read better."""
        channels = (int(self.color(place)[k : k + 2], 16) / 255 for k in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return "#000000" if np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.18 else "#ffffff"

    def text(self, place: Place) -> str:
        """Value of a lobule as it is written."""
        value = self.values.get(place)
        return "n/a" if value is None else format(value, self.form).replace("-", "\N{MINUS SIGN}")

    def told(self, place: Place) -> str:
        """Value of a lobule with its unit."""
        return self.text(place) + ("" if self.values.get(place) is None else " %")


@dataclass(frozen=True)
class FlatMap:
    """All measures of an image or of a group.

    Parameters
    ----------
    measures : tuple of Measure
    told : dict of (name, side) to tuple of str
        Lines that the pointer reads on a lobule, besides its name and side.
    counts : dict of (name, side) to int
        Images that have the lobule; empty for a single image.
    missing : str
        Why a measure is not there; empty where all are.
    """

    measures: tuple[Measure, ...]
    told: Mapping[Place, tuple[str, ...]]
    counts: Mapping[Place, int] = field(default_factory=dict)
    missing: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Lobules without their sides."""
        return tuple(dict.fromkeys(name for name, _ in self.told))


def of_image(regions: Sequence[Region]) -> FlatMap | None:
    """Shares of the cerebellum and asymmetries of one image's lobules; none where there is no cerebellum.

    Parameters
    ----------
    regions : sequence of Region
        As :func:`cerebbids.reports.volumes.read_regions` gives them.
    """
    by_name = {region.name: region for region in regions}
    total = by_name["Total"].both
    if not total > 0:
        return None
    shares, indices = {}, {}
    for name, side in lobules():
        cm3 = getattr(by_name[name], side)
        shares[name, side] = 100 * cm3 / total if cm3 > 0 else None
        indices[name, side] = _known(by_name[name].asymmetry)
    share, asymmetry = _share(shares, "Share of the cerebellum"), _asymmetry(indices, "Asymmetry")
    told = {
        (name, side): (
            f"left {_cm3(by_name[name].left)}, right {_cm3(by_name[name].right)}",
            f"{side} share of the cerebellum: {share.told((name, side))}",
            f"asymmetry: {asymmetry.told((name, side))}",
        )
        for name, side in lobules()
    }
    return FlatMap((share, asymmetry), told)


def of_group(long: pd.DataFrame | None) -> FlatMap | None:
    """Medians and variation of the lobules of all images; none where nothing has been measured.

    Parameters
    ----------
    long : DataFrame or None
        The group's long table of volumes in seg-Lobules: ``image``, ``name``, ``volume_mm3``.
    """
    if long is None:
        return None
    volumes = long.pivot(index="image", columns="name", values="volume_mm3").astype(float)
    volumes = volumes[volumes["Cerebellum"] > 0]
    if volumes.empty:
        return None
    counts, sizes, shares, variations, indices = {}, {}, {}, {}, {}
    for name, side in lobules():
        left, right = volumes[f"Left {name}"], volumes[f"Right {name}"]
        own = (left if side == "left" else right).where(lambda mm3: mm3 > 0)  # an absent lobule has no size
        place = name, side
        counts[place] = int(own.count())
        sizes[place] = _cm3(own.median() / 1000)
        shares[place] = _known((100 * own / volumes["Cerebellum"]).median())
        variations[place] = _known(100 * own.std() / own.mean()) if counts[place] >= LEAST else None
        indices[place] = _known((200 * (right - left) / (right + left)).median())
    share, asymmetry = _share(shares, "Median share of the cerebellum"), _asymmetry(indices, "Median asymmetry")
    variation = Measure("Coefficient of variation", _VARIATION, variations, 0, 40, mpl.colormaps["viridis"], ".1f")
    told = {
        place: (
            f"median: {sizes[place]}, share {share.told(place)}",
            f"coefficient of variation: {variation.told(place)}",
            f"median asymmetry: {asymmetry.told(place)}",
            f"n = {counts[place]}",
        )
        for place in counts
    }
    if max(counts.values()) < LEAST:
        return FlatMap((share, asymmetry), told, counts, f"Variation is shown of {LEAST} images or more.")
    return FlatMap((share, variation, asymmetry), told, counts)


_VARIATION = "Coefficient of variation of the volume, %"


def _share(values: Mapping[Place, float | None], title: str) -> Measure:
    return Measure(title, f"{title}, %", values, 0, 12, mpl.colormaps["viridis"], ".1f")


def _asymmetry(values: Mapping[Place, float | None], title: str) -> Measure:
    bar = f"{title}, % (\N{LEFTWARDS ARROW} left larger \N{MIDDLE DOT} right larger \N{RIGHTWARDS ARROW})"
    return Measure(title, bar, values, -30, 30, SIDED, "+.1f", of_both=True)


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _cm3(value: float) -> str:
    return "n/a" if np.isnan(value) else f"{value:.2f} cm\N{SUPERSCRIPT THREE}"
