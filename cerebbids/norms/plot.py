"""The calibration of norms, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from scipy.stats import binom

from cerebbids.files import atomic
from cerebbids.norms.calibration import Calibration

_PANELS = (("all",), ("female", "male"), ("younger", "middle", "older"))
_COLORS = {
    "all": "#222222", "female": "#8c2d9e", "male": "#1f6f3d", "younger": "#b35806", "middle": "#225ea8",
    "older": "#67001f",
}  # fmt: skip


def draw_calibration(found: Sequence[Calibration], path: Path) -> None:
    """Draw shares against centiles, as SVG: one thin line a structure and measure, a thick one for their mean.

    Parameters
    ----------
    found : sequence of Calibration
        Not empty.
    path : Path
    """
    people = max(one.n for one in found if one.group == "all")
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasSVG(figure)
    for axes, groups in zip(figure.subplots(1, len(_PANELS), sharey=True), _PANELS, strict=True):
        _panel(axes, found, groups)
        axes.set_xlabel("Centile (%)")
    figure.axes[0].set_ylabel("People not in the fit who lie below it (%)")
    figure.suptitle(f"Ten-fold cross-validation, {people} people; grey: 95 % of samples of as many, were it exact")
    title = "Calibration of norms: share of people not in the fit who lie below each centile"
    # Text as text, and the same bytes from the same numbers.
    with atomic(path) as draft, rc_context({"svg.fonttype": "none", "svg.hashsalt": "norms"}):
        figure.savefig(draft, format="svg", metadata={"Title": title, "Date": None})


def _panel(axes: Axes, found: Sequence[Calibration], groups: Sequence[str]) -> None:
    drawn = [one for one in found if one.group in groups]
    levels = np.array(sorted({one.level for one in drawn}))
    if not len(levels):
        return
    n = min(one.n for one in drawn)
    band = [100 * binom.ppf(tail, n, levels / 100) / n for tail in (0.025, 0.975)]
    axes.fill_between(levels, *band, color="#dddddd")
    axes.plot([0, 100], [0, 100], color="#888888", linewidth=0.8, linestyle="--")
    for group in groups:
        lines: dict[tuple[str, str], list[Calibration]] = {}
        for one in drawn:
            if one.group == group:
                lines.setdefault((one.structure, one.measure), []).append(one)
        if not lines:
            continue
        for line in lines.values():
            axes.plot([x.level for x in line], [x.below for x in line], color=_COLORS[group], linewidth=0.5, alpha=0.25)
        shares = [
            np.mean([x.below for line in lines.values() for x in line if x.level == level] or [np.nan])
            for level in levels
        ]
        axes.plot(levels, shares, color=_COLORS[group], marker="o", markersize=3, label=group)
    axes.legend(frameon=False, loc="upper left")
