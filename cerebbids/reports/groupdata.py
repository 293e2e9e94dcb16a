"""What the scripts of the group's page draw: volumes of all images, and how they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cerebbids.bids.names import GROUP_QC, SCHEMES, group_table
from cerebbids.imaging.cohort import spread_of
from cerebbids.imaging.volumetry import CAVITY, MERGED

Frames = Mapping[str, pd.DataFrame]
"""The group's tables by the names of their files."""


def page_data(frames: Frames, links: Sequence[str]) -> dict[str, Any]:
    """Arrange tables for the page's scripts.

    Parameters
    ----------
    frames : dict of str to DataFrame
        The group's tables by the names of their files.
    links : sequence of str
        Where participants' pages show the images, in the order of the table of quality.

    Returns
    -------
    dict
        ``images`` and ``links``, for which their numbers stand in what follows, and by their names ``schemes``:
        ``rows`` (images that have volumes), ``cavity`` (mm3) and ``panels``; also ``pairs`` (earlier and later image)
        and ``changes`` (panels) where sessions follow another. A panel has a title and strips; a strip has the side,
        ``values`` (mm3 of the rows; percent of the pairs), and for every unit the box and which of its values are
        outliers.
    """
    quality = frames[GROUP_QC]
    stems = [str(stem) for stem in quality["image"]]
    # An image that was refused may have the name of one that has volumes.
    states = zip(stems, quality["state"], strict=True)
    places = {stem: number for number, (stem, state) in enumerate(states) if state != "refused"}
    found = {}
    for scheme in SCHEMES:
        if group_table(scheme) in frames:
            found[scheme] = _volumes(frames[group_table(scheme)], places)
            if group_table(scheme, "change") in frames:
                found[scheme] |= _changes(frames[group_table(scheme, "change")], places)
    return {"images": stems, "links": list(links), "schemes": found}


def _volumes(long: pd.DataFrame, places: Mapping[str, int]) -> dict[str, Any]:
    spread = long.pivot(index="image", columns="name", values="volume_mm3").astype(float)
    spread = spread.loc[list(dict.fromkeys(long["image"]))]
    cavity = spread[CAVITY] if CAVITY in spread else pd.Series(np.nan, index=spread.index)

    def strip(side: str, name: str) -> dict[str, Any]:
        units = {"mm3": spread[name]} | ({} if name == CAVITY else {"percent": 100 * spread[name] / cavity})
        return {"side": side, "values": _short(spread[name]), "boxes": {key: _box(of) for key, of in units.items()}}

    return {
        "rows": [places[image] for image in spread.index],
        "cavity": _short(cavity),
        "panels": _drawn(long, strip),
    }


def _changes(table: pd.DataFrame, places: Mapping[str, int]) -> dict[str, Any]:
    pairs = table[["earlier_image", "later_image"]].drop_duplicates()
    spread, absolute = (
        table.pivot(index=["earlier_image", "later_image"], columns="name", values=values)
        .astype(float)
        .loc[list(pairs.itertuples(index=False, name=None))]
        for values in ("change_percent", "change_mm3")
    )

    def strip(side: str, name: str) -> dict[str, Any]:
        values = spread[name]
        told = {"values": _short(values, 3), "mm3": _short(absolute[name])}
        return {"side": side, **told, "boxes": {"change": _box(values)}}

    return {
        "pairs": [[places[earlier], places[later]] for earlier, later in spread.index],
        "changes": _drawn(table, strip),
    }


def _drawn(table: pd.DataFrame, strip: Callable[[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Panels of the regions that a table has."""
    names = list(dict.fromkeys(table["name"]))
    return [{"title": title, "strips": [strip(*each) for each in strips]} for title, strips in _panels(names)]


def _panels(names: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, and sides with names of regions: what is large first, lobules that cannot be told apart last.

    Examples
    --------
    >>> list(_panels(["Left VI", "Right VI", "Cerebellum"]))
    [('Cerebellum', [('both', 'Cerebellum')]), ('VI', [('left', 'Left VI'), ('right', 'Right VI')])]
    """
    sides = [name.removeprefix("Left ") for name in names if name.startswith("Left ")]
    midline = [name for name in names if name.startswith("Vermis")]
    large = ("cerebellum", "grey matter", "white matter")
    merged, parts = MERGED
    lobules = [name for name in sides if name not in (*large, merged, *parts)]
    for whole in ("Cerebellum", CAVITY):
        if whole in names:
            yield whole, [("both", whole)]
    for region in (*large, merged, *lobules):
        if region in sides:
            title = "Half of the cerebellum" if region == large[0] else region[0].upper() + region[1:]
            yield title, [("left", f"Left {region}"), ("right", f"Right {region}")]
    for region in midline:
        yield region, [("both", region)]
    for region in parts:
        if region in sides:
            yield f"{region} (use {merged})", [("left", f"Left {region}"), ("right", f"Right {region}")]


def _box(values: pd.Series) -> dict[str, Any] | None:
    """Whiskers, quartiles and median, and the places of outliers; none where too few are known."""
    spread = spread_of(values.to_numpy())
    if spread is None:
        return None
    low, high = spread.fences
    usual = values[values.between(low, high)]
    marks = (usual.min(), spread.q1, spread.median, spread.q3, usual.max())
    outliers = np.flatnonzero((values < low) | (values > high))
    return {"marks": [float(f"{mark:.6g}") for mark in marks], "outliers": outliers.tolist()}


def _short(values: pd.Series, digits: int = 1) -> list[float | int | None]:
    """Numbers in as few characters as a picture wants."""
    rounded = (None if pd.isna(value) else round(float(value), digits) for value in values)
    return [int(value) if value is not None and value.is_integer() else value for value in rounded]
