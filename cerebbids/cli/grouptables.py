"""The group's tables, made of the images' own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cerebbids.bids.groupsidecars import asymmetry_sidecar, change_sidecar, long_sidecar, qc_sidecar, wide_sidecar
from cerebbids.bids.names import EVERY_SCHEME, GROUP_DESCS, GROUP_QC, SCHEMES, group_table, sidecar_path
from cerebbids.bids.sessions import consecutive_images
from cerebbids.cli.collect import STATES, GroupImage
from cerebbids.files import as_json
from cerebbids.imaging.cohort import FENCE, LEAST, asymmetries, changes, with_outliers
from cerebbids.imaging.qc import DEFINITIONS
from cerebbids.imaging.volumetry import CAVITY

KEYS = ["participant_id", "session_id", "image"]
"""Columns that tell images apart."""

_OUTCOME = ("state", "reason", "light", "flags", "corrected")
_MAKING = ("version", "model", "method", "flip", "library", "sloppy")
_RESERVED = {*KEYS, *_OUTCOME, *_MAKING, "confidence", "definitions", "Description", "CerebBIDS"}
"""What no number may be called: other columns, what a ``_qc.json`` holds besides numbers, and fields of the sidecar."""
_FLOATS = {"volume_mm3": "Float64", "icv_percent": "Float64"}


@dataclass(frozen=True)
class Table:
    """A table, and what the JSON file beside it says."""

    frame: pd.DataFrame
    sidecar: Mapping[str, Any]


def group_tables(images: Sequence[GroupImage], bids_dir: Path) -> dict[str, Table]:
    """Make all tables.

    Parameters
    ----------
    images : sequence of GroupImage
    bids_dir : Path
        The raw dataset, which may tell the order of sessions.

    Returns
    -------
    dict of str to Table
        By the names of their files.
    """
    tables = {GROUP_QC: quality_table(images)}
    for scheme in EVERY_SCHEME:
        found = [image for image in images if scheme in image.volumes]
        if found:
            tables |= _tables_of(scheme, found, bids_dir)
    return tables


def table_files(tables: Mapping[str, Table]) -> dict[str, str]:
    """Texts of tables and of their sidecars, by the names of their files."""
    files = {}
    for name, table in tables.items():
        files[name] = _as_written(table.frame).to_csv(sep="\t", index=False, na_rep="n/a")
        files[sidecar_path(Path(name)).name] = as_json(table.sidecar)
    return files


def remove_older(tables: Mapping[str, Table], output_dir: Path) -> None:
    """Remove tables that an earlier run made and this one not."""
    names = {group_table(scheme, desc) for scheme in EVERY_SCHEME for desc in ("", *GROUP_DESCS)}
    for name in names - tables.keys():
        for path in (output_dir / name, sidecar_path(output_dir / name)):
            path.unlink(missing_ok=True)


def long_table(images: Sequence[GroupImage], scheme: str) -> pd.DataFrame:
    """One row an image and region.

    Parameters
    ----------
    images : sequence of GroupImage
        All with volumes of the scheme.
    scheme : str

    Returns
    -------
    DataFrame
        `KEYS`, index, name, hemisphere, tissue, n_voxels, volume_mm3, icv_percent, z, iqr_outlier.
    """
    rows = [{**_named(image), **asdict(volume)} for image in images for volume in image.volumes[scheme]]
    return with_outliers(pd.DataFrame(rows).astype({"index": "Int64", "n_voxels": "Int64", **_FLOATS}))


def wide_table(long: pd.DataFrame, column: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row an image, one column a region; also the names of the regions by those of their columns.

    Parameters
    ----------
    long : DataFrame
        As :func:`long_table` makes it.
    column : str
        Which column to spread: volume_mm3, say.
    """
    names = list(dict.fromkeys(long["name"]))
    spread = long.pivot(index=KEYS, columns="name", values=column)
    rows = pd.MultiIndex.from_frame(long[KEYS].drop_duplicates())
    columns = {_column(name): name for name in names}
    frame = spread.reindex(index=rows, columns=names).set_axis(list(columns), axis=1)
    return frame.reset_index(), columns


def quality_table(images: Sequence[GroupImage]) -> Table:
    """One row an image: what became of it, light, flags, all numbers of its quality, and what made it."""
    meanings = _meanings(images)
    rows = [
        {
            **_named(image),
            "state": image.state,
            "reason": _line(image.reason),
            "light": image.quality.get("light"),
            "flags": _line(" ".join(str(flag) for flag in image.quality.get("flags", ()))),
            "corrected": image.corrected if image.made else None,
            **{key: _plain(image.quality.get(key)) for key in meanings},
            **{key: _plain(getattr(image.made, key, None)) for key in _MAKING},
        }
        for image in images
    ]
    return Table(pd.DataFrame(rows, dtype=object), qc_sidecar(STATES, meanings))


def _meanings(images: Sequence[GroupImage]) -> dict[str, str]:
    """What the numbers say, by their names: other versions may have others."""
    meanings = dict(DEFINITIONS)
    for image in images:
        told = image.quality.get("definitions")
        own = told if isinstance(told, Mapping) else {}
        for key in image.quality:
            if key not in meanings and key not in _RESERVED and re.fullmatch(r"[A-Za-z]\w*", key):
                meanings[key] = str(own.get(key, "as the version that made it says"))
    return meanings


def _tables_of(scheme: str, images: Sequence[GroupImage], bids_dir: Path) -> dict[str, Table]:
    long = long_table(images, scheme)
    wide, columns = wide_table(long, "volume_mm3")
    told = {
        "": Table(long, long_sidecar(scheme, LEAST, FENCE)),
        "wide": Table(wide, wide_sidecar(scheme, columns, percent=False)),
    }
    if scheme not in SCHEMES:  # tissues have no sides, and no cavity to be a part of
        return {group_table(scheme, desc): table for desc, table in told.items()}
    shares, share_columns = wide_table(long[long["name"] != CAVITY], "icv_percent")
    tables = {
        **told,
        "widepercent": Table(shares, wide_sidecar(scheme, share_columns, percent=True)),
        "asymmetry": Table(asymmetries(long, KEYS), asymmetry_sidecar(scheme)),
    }
    pairs = consecutive_images([image.stem for image in images], bids_dir)
    if pairs.images:
        frame = changes(long, pairs.images, pairs.order)
        tables["change"] = Table(frame, change_sidecar(scheme, pairs.order.values()))
    return {group_table(scheme, desc): table for desc, table in tables.items()}


def _named(image: GroupImage) -> dict[str, str]:
    return {"participant_id": image.participant, "session_id": image.session or "n/a", "image": image.stem}


def _column(region: str) -> str:
    """Name of a region as BIDS likes columns' names.

    Examples
    --------
    >>> _column("Left I-IV"), _column("Vermis VI-VII"), _column("Crus I")
    ('left_i_iv', 'vermis_vi_vii', 'crus_i')
    """
    return re.sub(r"\W", "_", region.lower())


def _plain(value: Any) -> Any:
    """A number, or what else fits into a cell; none for a list or the like."""
    return value if isinstance(value, bool | int | float) else _line(value) if isinstance(value, str) else None


def _line(text: str) -> str | None:
    """A text that fits into a cell; none where there is nothing in it."""
    return " ".join(text.split()) or None


def _as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Write true and false as JSON does, and BIDS with it; whole numbers stay so beside missing ones."""
    cells = {column: [_word(value) for value in frame[column]] for column in frame}
    return pd.DataFrame(cells, dtype=object)


def _word(value: Any) -> Any:
    return str(bool(value)).lower() if isinstance(value, bool | np.bool_) else value
