"""The lobules of one image on the flat map of the cerebellum."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.reports.charts import chart
from cerebbids.reports.flatsurface import FlatRegion, flat_regions
from cerebbids.reports.flatvalues import Measure, of_image
from cerebbids.reports.volumes import read_regions

LINE = "#20262e"
"""Colour of borders."""


def flat_figure(morph_tsv: Path, out: Path) -> None:
    """Draw the lobules' shares of the cerebellum and their asymmetry, coloured on the flat map.

    Parameters
    ----------
    morph_tsv : Path
        ``seg-Lobules_morph.tsv``.
    out : Path
        SVG file.
    """
    found = of_image(read_regions(morph_tsv, COMPARTMENTS))
    with chart(out, "Lobules on the flat map of the cerebellum", (9.6, 5)) as figure:
        if found is None:
            figure.text(0.5, 0.5, "The labels hold no cerebellum: n/a", ha="center")
            return
        for axes, measure in zip(figure.subplots(1, len(found.measures)), found.measures, strict=True):
            _draw(axes, measure)
            colors = ScalarMappable(Normalize(measure.low, measure.high), measure.colors)
            extend = "both" if measure.low < 0 else "max"
            bar = figure.colorbar(colors, ax=axes, location="bottom", extend=extend, fraction=0.045, pad=0.02)
            bar.set_label(measure.bar)
            bar.outline.set_linewidth(0.6)


def _draw(axes: Axes, measure: Measure) -> None:
    for region in flat_regions():
        place = region.name, region.side
        axes.add_patch(PathPatch(_outline(region), facecolor=measure.color(place), edgecolor=LINE, linewidth=0.7))
        axes.annotate(
            _words(measure, region), region.middle, ha="center", va="center", size=7.5, color=measure.ink(place)
        )
    for letter, side in (("L", 0.08), ("R", 0.92)):
        axes.text(side, 0.93, letter, transform=axes.transAxes, ha="center", size=12, weight="bold")
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.margins(0.01)
    axes.set_axis_off()


def _words(measure: Measure, region: FlatRegion) -> str:
    """Name and value; on one side each where both sides have the same value."""
    value = measure.text((region.name, region.side))
    if not measure.of_both:
        return f"{region.name} {value}"
    return region.name if region.side == "left" else value


def _outline(region: FlatRegion) -> Outline:
    """Closed path of all of a region's loops."""
    return Outline.make_compound_path(*(Outline([*loop, loop[0]], closed=True) for loop in region.loops))
