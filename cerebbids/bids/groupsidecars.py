"""What the JSON files beside the group's tables say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cerebbids import __version__
from cerebbids.bids.sidecars import TABLES

_PERCENT = "volume in percent of the intracranial cavity's; n/a where that is not known"
_IMAGE: dict[str, Any] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where the name of the image has none"},
    "image": {"Description": "Name of the T1w image without its suffix. Every image has rows of its own"},
}


def long_sidecar(scheme: str, least: int, fence: float) -> dict[str, Any]:
    """Describe the table with one row an image and region.

    Parameters
    ----------
    scheme : str
        Label scheme.
    least : int
        Number of images from which on outliers are told.
    fence : float
        Interquartile ranges beyond the quartiles from which on a volume is one.
    """
    text, columns = TABLES[scheme]
    known = f"n/a where fewer than {least} images have a volume of it"
    outliers = {
        "z": {
            "Description": "Standard deviations (of the sample) that volume_mm3 lies above the mean of its region over "
            f"all images of this table, several of one participant counted each; {known}, or where all are the same"
        },
        "iqr_outlier": {
            "Description": f"Whether volume_mm3 lies more than {fence:g} interquartile ranges below the first or above "
            f"the third quartile of its region over all images of this table; {known}",
            "Levels": {"true": "Outlier", "false": "No outlier"},
        },
    }
    return _described(f"All images, one row an image and region. {text}", _IMAGE | columns | outliers)


def wide_sidecar(scheme: str, columns: Mapping[str, str], *, percent: bool) -> dict[str, Any]:
    """Describe a table with one row an image and one column a region.

    Parameters
    ----------
    scheme : str
        Label scheme.
    columns : dict of str to str
        Names of regions by those of their columns.
    percent : bool
        Whether volumes are in percent of the intracranial cavity's, not in mm3.
    """
    what, unit = (_PERCENT, "%") if percent else ("volume", "mm^3")
    regions = {
        column: {"LongName": name, "Description": f"{name}: {what}", "Units": unit} for column, name in columns.items()
    }
    return _described(f"All images, one row an image. {TABLES[scheme][0]}", _IMAGE | regions)


def asymmetry_sidecar(scheme: str) -> dict[str, Any]:
    """Describe the table that holds the right side against the left one."""
    own = {
        "name": {"Description": "Name of the region without its side; cerebellum is the whole half"},
        "left_mm3": {"Description": "Volume on the anatomical left", "Units": "mm^3"},
        "right_mm3": {"Description": "Volume on the anatomical right", "Units": "mm^3"},
        "asymmetry_percent": {
            "Description": "100 (R - L) / ((R + L) / 2), above 0 where the right side is larger; n/a where both are 0",
            "Units": "%",
        },
    }
    return _described(f"All images, one row an image and region of two sides. {TABLES[scheme][0]}", _IMAGE | own)


def change_sidecar(scheme: str, orders: Iterable[str]) -> dict[str, Any]:
    """Describe the table of differences between sessions.

    Parameters
    ----------
    scheme : str
        Label scheme.
    orders : iterable of str
        What told the order of sessions in this table: ``acq_time``, ``name`` or both.
    """
    ways = {
        "acq_time": "Times of acquisition in the participant's sessions.tsv in the raw dataset",
        "name": "Names of the sessions, numbers in them by value, as not all have a time there",
    }
    text, columns = TABLES[scheme]
    own = {
        "participant_id": _IMAGE["participant_id"],
        "earlier_session": {"Description": "The earlier session"},
        "later_session": {"Description": "The next later one that has an image with the same other entities"},
        "earlier_image": {"Description": "Name of the T1w image of the earlier session without its suffix"},
        "later_image": {"Description": "Name of that of the later session, all of whose other entities are the same"},
        "session_order": {
            "Description": "What told the order of this participant's sessions",
            "Levels": {way: meaning for way, meaning in ways.items() if way in set(orders)},
        },
        **{key: columns[key] for key in ("index", "name", "hemisphere", "tissue")},
        "earlier_mm3": {"Description": "Volume in the earlier session", "Units": "mm^3"},
        "later_mm3": {"Description": "Volume in the later session", "Units": "mm^3"},
        "change_mm3": {"Description": "Later volume minus earlier one", "Units": "mm^3"},
        "change_percent": {
            "Description": "The same in percent of the earlier volume; n/a where that is 0",
            "Units": "%",
        },
    }
    return _described(f"Consecutive sessions of each participant, one row a pair of images and region. {text}", own)


def qc_sidecar(states: Mapping[str, str], numbers: Mapping[str, str]) -> dict[str, Any]:
    """Describe the table of quality.

    Parameters
    ----------
    states : dict of str to str
        What can have become of an image, and what that means.
    numbers : dict of str to str
        Meanings of the numbers, by their columns.
    """
    own = {
        "state": {"Description": "What became of the image", "Levels": dict(states)},
        "reason": {"Description": "Why it is not done"},
        "light": {
            "Description": "Traffic light of the segmentation of seg-Lobules",
            "Levels": {
                "green": "No number is unusual",
                "yellow": "To look at",
                "red": "Not to be taken without a close look",
            },
        },
        "flags": {"Description": "What to look at, in sentences"},
        "corrected": {
            "Description": "Whether somebody has corrected a label map by hand, as cerebbids-tables has noted",
            "Levels": {"true": "Corrected", "false": "Not that anybody knows"},
        },
        **{column: {"Description": meaning} for column, meaning in numbers.items()},
        "version": {"Description": "Version of cerebbids that made the labels"},
        "model": {"Description": "Networks' weights that made them"},
        "method": {"Description": "Option --method of that run"},
        "flip": {"Description": "Whether networks saw the mirror image, too (option --flip)"},
        "library": {"Description": "First digits of the hash (SHA-256) of the library that voted; n/a where none did"},
        "sloppy": {"Description": "Whether registration was a coarse one (option --sloppy)"},
    }
    text = "Quality of all images, one row an image. Limits of the lights are those of the version that made the labels"
    return _described(text, _IMAGE | own)


def _described(text: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {"Description": text, **columns, "CerebBIDS": {"version": __version__}}
