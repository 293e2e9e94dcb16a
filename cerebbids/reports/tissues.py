"""How bright the tissues are, and what was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cerebbids.imaging.tissuemeans import BINS, TissueMeans
from cerebbids.reports.charts import chart

_MARKS = (("Cerebrospinal fluid", "#006a8e"), ("Grey matter", "#59616b"), ("White matter", "#866000"))


def read_means(facts: Mapping[str, Any]) -> TissueMeans:
    """Take the tissues' means in the clean T1w image from what the prediction said."""
    return TissueMeans(*(float(facts["tissues"][name]) for name in ("csf", "gm", "wm")))


def tissues_figure(facts: Mapping[str, Any], out: Path) -> None:
    """Draw the histogram of the normalised T1w image inside cavity or brain, with the means of the tissues.

    Parameters
    ----------
    facts : dict
        What the prediction said. Its ``tissues`` are the means ``csf``, ``gm``, ``wm`` in the clean image, the
        ``targets`` that they became, and ``counts`` in ``BINS``.
    out : Path
        SVG file.
    """
    counts = np.asarray(facts["tissues"]["counts"], float)
    edges = np.histogram_bin_edges([], *BINS)
    share = 100 * counts / max(counts.sum(), 1)
    with chart(out, "Histogram of the normalised T1w image", (9.2, 3.2)) as figure:
        axes = figure.subplots()
        axes.stairs(share, edges, fill=True, color="#c3cad4")
        top = share[1:].max()  # the first bin has what a mask or a defacing has set to 0
        axes.set_ylim(0, 1.35 * (top or 1))  # room for the names
        for (name, color), target, mean in zip(
            _MARKS, facts["tissues"]["targets"], astuple(read_means(facts)), strict=True
        ):
            _mark(axes, f"{name}\n{target:g} (measured: {mean:.4g})", target, color)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel("Brightness of the normalised T1w image")
        axes.set_ylabel("Voxels, %")
        axes.spines[["top", "right"]].set_visible(False)


def _mark(axes: Axes, text: str, where: float, color: str) -> None:
    axes.axvline(where, color=color, linewidth=1.5)
    top = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(text, (where, 1), xytext=(5, -2), va="top", color=color, weight="bold", **top)
