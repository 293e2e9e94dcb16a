"""Tables of volumes of this program, to and from those of other tools."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cerebbids.bids.names import sidecar_path
from cerebbids.bids.sidecars import TABLES
from cerebbids.data.labels import load_scheme
from cerebbids.errors import UsageError
from cerebbids.files import as_json, write_text
from cerebbids.imaging.volumetry import CAVITY, region_labels, write_volumes
from cerebbids.interchange.foreign import read_foreign, write_foreign
from cerebbids.interchange.mapping import TOOLS, read_mapping, region_atoms
from cerebbids.interchange.volumes import Amount, carried_over

_LISTED = 40
"""Regions and columns that are named; reports of volBrain may have a hundred columns that are no volumes."""


def from_tool(source: Path, target: Path, tool: str, scheme: str) -> tuple[str, ...]:
    """Write a table of another tool as one of this program, with its sidecar.

    Parameters
    ----------
    source, target : Path
    tool : str
        One of `TOOLS`.
    scheme : str
        One of the tool's.

    Returns
    -------
    tuple of str
        What was left out, in sentences.
    """
    amounts, unknown = read_foreign(source, tool)
    covers = {label.name: label.atoms for label in read_mapping(tool)}
    targets = region_atoms(scheme)
    found = carried_over(amounts, covers, targets)
    if not found:
        raise UsageError(str(source), f"makes no region of seg-{scheme}", "give a complete table")
    write_volumes(_table(found, scheme), target)
    text, columns = TABLES[scheme]
    described = f"Converted from a table of another tool ({TOOLS[tool].about}), whose labels these are. {text}"
    write_text(sidecar_path(target), as_json({"Description": described, **columns, "Sources": [source.name]}))
    return _told(
        (f"unknown in {source.name}, not used", unknown),
        (f"left out, as no sum of {tool}'s regions makes them", [name for name in targets if name not in found]),
    )


def to_tool(source: Path, target: Path, tool: str, scheme: str) -> tuple[str, ...]:
    """Write a table of this program as one of another tool; the parameters and what it returns as `from_tool`."""
    amounts, unknown = _read(source, scheme)
    targets = {label.name: label.atoms for label in read_mapping(tool)}
    found = carried_over(amounts, region_atoms(scheme), targets)
    if not found:
        raise UsageError(str(source), f"makes no region of {tool}", "give a complete table")
    write_foreign(target, tool, found)
    return _told(
        (f"unknown in {source.name}, not used", unknown),
        (f"left out, as no sum of seg-{scheme} makes them", [name for name in targets if name not in found]),
    )


def _told(*facts: tuple[str, list[str] | tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(f"{text}: {', '.join(names[:_LISTED])}{_rest(names)}" for text, names in facts if names)


def _rest(names: list[str] | tuple[str, ...]) -> str:
    return f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""


def _table(found: Mapping[str, Amount], scheme: str) -> pd.DataFrame:
    known = load_scheme(scheme)
    own = {label.name: label.index for label in known.labels}
    labels = region_labels(known)
    cavity = found.get(CAVITY)
    rows = []
    for name, amount in found.items():
        sides = {label.hemisphere for label in labels.get(name, ())}
        tissues = {label.tissue for label in labels.get(name, ())}
        rows.append(
            {
                "index": own.get(name, pd.NA),
                "name": name,
                "hemisphere": sides.pop() if len(sides) == 1 else "both",
                "tissue": pd.NA if name == CAVITY else tissues.pop() if len(tissues) == 1 else "both",
                "n_voxels": pd.NA if amount.n_voxels is None else amount.n_voxels,
                "volume_mm3": round(amount.mm3, 3),
                "icv_percent": round(100 * amount.mm3 / cavity.mm3, 4) if cavity and cavity.mm3 else pd.NA,
            }
        )
    return pd.DataFrame(rows).astype({"index": "Int64", "n_voxels": "Int64"})


def _read(path: Path, scheme: str) -> tuple[dict[str, Amount], tuple[str, ...]]:
    """Volumes in a table of this program, which need not hold all regions, and names that are none of its."""
    known = region_atoms(scheme)
    amounts: dict[str, Amount] = {}
    unknown = []
    try:
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t"):
            name, volume, voxels = row["name"].strip(), row["volume_mm3"].strip(), row["n_voxels"].strip()
            if name not in known:
                unknown.append(name)
            elif name in amounts:
                raise ValueError(f"{name} has two rows")
            elif volume != "n/a":
                amounts[name] = Amount(_positive(volume), None if voxels == "n/a" else int(voxels))
    except (KeyError, AttributeError) as error:
        reason = "is no table of volumes of one image: a column or a cell is missing"
        raise UsageError(str(path), reason, "give a seg-*_morph.tsv of cerebbids") from error
    except (ValueError, csv.Error) as error:
        raise UsageError(str(path), f"is damaged ({error})", "give a seg-*_morph.tsv of cerebbids") from error
    return amounts, tuple(unknown)


def _positive(cell: str) -> float:
    value = float(cell)
    if not 0 <= value < math.inf:
        raise ValueError(f"{cell} is no volume")
    return value
