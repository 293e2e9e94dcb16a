"""Flat maps to point at: what plotly.js is given, on the pages of participants and of groups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from matplotlib.colors import to_hex

from cerebbids.reports.flatmap import LINE
from cerebbids.reports.flatsurface import FlatRegion, flat_regions
from cerebbids.reports.flatvalues import FlatMap, Measure


@dataclass(frozen=True)
class PlotScripts:
    """What a page with flat maps carries once.

    Parameters
    ----------
    figure : Markup
        JSON of plotly's ``data``, ``layout`` and ``config``, without the values.
    library : Markup
        Text of plotly.js.
    """

    figure: Markup
    library: Markup


def plot_values(found: FlatMap) -> Markup:
    """Make what the page's script adds to the figure's traces, as JSON that is safe inside a script element.

    Parameters
    ----------
    found : FlatMap
        All measures of an image or of a group.

    Returns
    -------
    Markup
        A list with ``title`` and ``traces`` of each measure; the latter in the order of the figure's.
    """
    return _as_json([{"title": each.title, "traces": _traces(each, found)} for each in found.measures])


@cache
def plot_scripts() -> PlotScripts:
    """Gather what a page with flat maps carries once; some 5 MB."""
    from plotly.offline import get_plotlyjs  # takes time, and most programs have no use for it

    library = get_plotlyjs()
    if "</script" in library.lower():
        raise ValueError("plotly.js would end the element that it stands in; install another version of plotly")
    return PlotScripts(_as_json(plot_figure()), Markup(library))


def plot_figure() -> dict[str, Any]:
    """Make a figure in plotly's terms: a filled trace for every lobule and side, their names, and a colour bar."""
    regions = flat_regions()
    names = {
        "type": "scatter",
        "mode": "text",
        "x": [region.middle[0] for region in regions],
        "y": [region.middle[1] for region in regions],
        "text": [region.name for region in regions],
        "hoverinfo": "skip",
    }
    bar = {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip"}
    return {"data": [*map(_outline, regions), names, bar], "layout": _layout(), "config": _CONFIG}


_CONFIG = {"displayModeBar": False, "displaylogo": False, "responsive": True, "scrollZoom": False, "doubleClick": False}


def _layout() -> dict[str, Any]:
    points = np.concatenate([loop for region in flat_regions() for loop in region.loops])
    across, up = (
        {
            "visible": False,
            "fixedrange": True,
            "range": [round(float(values.min()) - 2), round(float(values.max()) + 2)],
        }
        for values in points.T
    )
    letter = {"showarrow": False, "xref": "paper", "yref": "paper", "y": 0.97, "font": {"size": 18}}
    return {
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "font": {"color": "#1f2733"}},
        "margin": {"l": 4, "r": 4, "t": 4, "b": 74},
        "plot_bgcolor": "#ffffff",
        "xaxis": across | {"scaleanchor": "y"},
        "yaxis": up,
        "annotations": [letter | {"text": "<b>L</b>", "x": 0.05}, letter | {"text": "<b>R</b>", "x": 0.95}],
    }


def _outline(region: FlatRegion) -> dict[str, Any]:
    points: list[tuple[float | None, float | None]] = []
    for loop in region.loops:
        points += [*map(tuple, loop.tolist()), tuple(loop[0].tolist()), (None, None)]
    x, y = zip(*points[:-1], strict=True)
    return {
        "type": "scatter",
        "name": f"{region.name}, {region.side}",
        "mode": "lines",
        "x": x,
        "y": y,
        "fill": "toself",
        "line": {"color": LINE, "width": 1},
        "hoveron": "fills",
        "hoverinfo": "text",
    }


def _traces(measure: Measure, found: FlatMap) -> list[dict[str, Any]]:
    places = [(region.name, region.side) for region in flat_regions()]
    fills = [
        {
            "fillcolor": measure.color(place),
            "text": "<br>".join([f"<b>{place[0]}, {place[1]}</b>", *found.told[place]]),
        }
        for place in places
    ]
    names = {"textfont": {"size": 11, "color": [measure.ink(place) for place in places]}}
    steps = [step / 20 for step in range(21)]
    marker = {
        "color": [measure.low],
        "cmin": measure.low,
        "cmax": measure.high,
        "colorscale": [[step, to_hex(measure.colors(step))] for step in steps],
        "showscale": True,
        "opacity": 0,
        "colorbar": {
            "orientation": "h",
            "y": 0,
            "yanchor": "top",
            "ypad": 6,
            "thickness": 12,
            "len": 0.84,
            "title": {"text": measure.bar, "side": "bottom", "font": {"size": 12}},
        },
    }
    return [*fills, names, {"marker": marker}]


def _as_json(content: Any) -> Markup:
    return htmlsafe_json_dumps(content, dumps=json.dumps, separators=(",", ":"), allow_nan=False)
