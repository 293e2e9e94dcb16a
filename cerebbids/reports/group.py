"""The page of all images: their quality, how their volumes spread, and marks that a reader makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2.utils import htmlsafe_json_dumps

from cerebbids.bids.names import CEREBRUM, COMPARTMENTS, DRAWEM, EVERY_SCHEME, GROUP_QC, SCHEMES, TISSUES, group_table
from cerebbids.bids.sidecars import TABLES
from cerebbids.imaging.cohort import FENCE, LEAST
from cerebbids.imaging.volumetry import CAVITY
from cerebbids.reports.drawing import templates
from cerebbids.reports.flatplot import plot_scripts, plot_values
from cerebbids.reports.flatvalues import of_group
from cerebbids.reports.groupdata import Frames, page_data

_TEXTS = (
    *("participant_id", "session_id", "image", "state", "reason", "light", "flags", "corrected"),
    *("version", "model", "method", "flip", "library", "sloppy"),
)
"""Columns of the table of quality that are no numbers."""

_MAIN = (COMPARTMENTS, TISSUES, CEREBRUM, DRAWEM)
"""The label scheme of each system that outliers are counted in."""
_OTHERS = {
    TISSUES: ("Cerebellum of infants, cm³", "seg-CerebellumTissue: grey and white matter"),
    DRAWEM: ("Cerebellum of neonates, cm³", "seg-DrawEM9"),
}

_NONE = pd.DataFrame({"image": []})


@dataclass(frozen=True)
class _Number:
    """A cell: what is shown, and what it is sorted by."""

    shown: str
    key: str


@dataclass(frozen=True)
class _Row:
    """An image in the page's table."""

    image: str
    link: str
    facts: dict[str, str]
    cerebellum: _Number
    cavity: _Number
    others: tuple[_Number, ...]
    outliers: _Number
    numbers: tuple[_Number, ...]
    has_volumes: bool


def group_page(
    sources: Sequence[str], frames: Frames, described: Mapping[str, Any], mixtures: Sequence[str], left_out: str = ""
) -> str:
    """Make the page of all images, which leads to those of participants beside it.

    Parameters
    ----------
    sources : sequence of str
        What participants' pages call the images, in the order of the table of quality.
    frames : dict of str to DataFrame
        The group's tables by the names of their files.
    described : dict
        The sidecar of the table of quality, which says what its columns hold.
    mixtures : sequence of str
        Of what kinds results are, where they should not be compared.
    left_out : str
        How many participants have no results; empty where all have.

    Returns
    -------
    str
        HTML.
    """
    quality = frames[GROUP_QC]
    links = [
        f"{quote(str(who))}.html#{quote(source)}"
        for who, source in zip(quality["participant_id"], sources, strict=True)
    ]
    numbers = [column for column in quality.columns if column not in _TEXTS and quality[column].notna().any()]
    data = page_data(frames, links)
    flat = of_group(frames.get(group_table(COMPARTMENTS)))
    return (
        templates()
        .get_template("group.html.jinja")
        .render(
            rows=_rows(quality, links, frames, numbers),
            numbers={column: described[column]["Description"] for column in numbers},
            systems=[scheme for scheme in _MAIN if group_table(scheme) in frames] or [COMPARTMENTS],
            others=_others(frames),
            counts=_counts(quality),
            mixtures=mixtures,
            left_out=left_out,
            versions=sorted({str(version) for version in quality["version"].dropna()}),
            schemes={scheme: TABLES[scheme][0] for scheme in SCHEMES if scheme in data["schemes"]},
            tables=sorted(frames),
            changes=any("changes" in found for found in data["schemes"].values()),
            least=LEAST,
            fence=FENCE,
            flat=flat,
            flat_values=plot_values(flat) if flat else "",
            plotly=plot_scripts() if flat else None,
            data=htmlsafe_json_dumps(data, dumps=json.dumps, separators=(",", ":"), allow_nan=False),
        )
    )


def _rows(quality: pd.DataFrame, links: Sequence[str], frames: Frames, numbers: Sequence[str]) -> list[_Row]:
    volumes = _columns(frames.get(group_table(COMPARTMENTS)))
    # By other rules: not to be compared.
    younger = {scheme: _columns(frames.get(group_table(scheme))) for scheme in _MAIN if scheme != COMPARTMENTS}
    for scheme, found in younger.items():
        volumes[scheme] = found.get("Cerebellum", {})
        volumes["outliers"] = volumes.get("outliers", {}) | found.get("outliers", {})
    measured = {image for scheme in EVERY_SCHEME for image in frames.get(group_table(scheme), _NONE)["image"]}
    rows = []
    for link, cells in zip(links, quality.to_dict("records"), strict=True):
        image = str(cells["image"])
        is_own = cells["state"] != "refused"  # what has its name is another's
        own = {name: of.get(image) for name, of in volumes.items()} if is_own else {}
        rows.append(
            _Row(
                image=image,
                link=link,
                facts={column: _text(cells[column]) for column in _TEXTS},
                cerebellum=_number(own.get("Cerebellum"), 1000, ".1f"),
                cavity=_number(own.get(CAVITY), 1000, ".0f"),
                others=tuple(_number(own.get(scheme), 1000, ".1f") for scheme in _others(frames)),
                outliers=_number(own.get("outliers"), 1, ".0f"),
                numbers=tuple(_number(cells[column]) for column in numbers),
                has_volumes=is_own and image in measured,
            )
        )
    return rows


def _others(frames: Frames) -> dict[str, tuple[str, str]]:
    """Label schemes other than lobules that tell the volume of a cerebellum: title and meaning of their columns."""
    return {scheme: told for scheme, told in _OTHERS.items() if group_table(scheme) in frames}


def _columns(long: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """What the page tells of the volumes of every image, by names and images."""
    if long is None:
        return {}
    volumes = {name: long[long["name"] == name] for name in ("Cerebellum", CAVITY)}
    found = {name: rows.set_index("image")["volume_mm3"].to_dict() for name, rows in volumes.items()}
    return found | {"outliers": long.groupby("image")["iqr_outlier"].sum(min_count=1).to_dict()}


def _text(value: Any) -> str:
    return "" if pd.isna(value) else _number(value).shown if isinstance(value, bool) else str(value)


def _number(value: Any, unit: float = 1, form: str = ".4g") -> _Number:
    """Show a number of a cell in some unit.

    Examples
    --------
    >>> _number(152918.4, 1000, ".1f"), _number(True), _number(None)
    (_Number(shown='152.9', key='152.9184'), _Number(shown='yes', key='1'), _Number(shown='–', key=''))
    """
    if value is None or pd.isna(value):
        return _Number("–", "")
    if isinstance(value, bool):
        return _Number("yes" if value else "no", str(int(value)))
    if isinstance(value, str):
        return _Number(value, value)
    return _Number(format(value / unit, form), repr(float(value / unit)))


def _counts(quality: pd.DataFrame) -> dict[str, int]:
    """How many there are, by what they are called."""
    lights = quality["light"].value_counts()
    states = quality["state"].value_counts()
    return {
        "images": len(quality),
        "participants": quality["participant_id"].nunique(),
        "sessions": len(_sessions(quality)),
        **{light: int(lights.get(light, 0)) for light in ("green", "yellow", "red")},
        **{state: int(states.get(state, 0)) for state in ("failed", "refused", "removed", "damaged")},
    }


def _sessions(quality: pd.DataFrame) -> pd.DataFrame:
    """Sessions by participants; images outside of any are in none."""
    within = quality[quality["session_id"] != "n/a"]
    return within[["participant_id", "session_id"]].drop_duplicates()
