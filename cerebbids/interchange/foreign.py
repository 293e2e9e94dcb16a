"""Tables of volumes that other tools write."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cerebbids.errors import UsageError
from cerebbids.files import write_text
from cerebbids.interchange.mapping import CAVITY_ATOMS, TOOLS, ToolLabel, read_mapping
from cerebbids.interchange.volumes import Amount

CEREBELLUM_MM3, CAVITY_MM3 = (1e3, 5e5), (1e5, 3e6)
"""Between what a cerebellum and an intracranial cavity lie, newborn or adult, with room: else the unit is another."""

_Cells = Iterator[tuple[str, str, str]]
"""Name of a region, its volume, and its number of voxels or nothing."""


def read_foreign(path: Path, tool: str) -> tuple[dict[str, Amount], tuple[str, ...]]:
    """Read a table of another tool.

    Parameters
    ----------
    path : Path
    tool : str
        One of `TOOLS`.

    Returns
    -------
    amounts : dict of str to Amount
        By the tool's own names.
    unknown : tuple of str
        Names in the table that the mapping does not know.

    Raises
    ------
    UsageError
        The tool has no tables, or this is none of its; a region is told twice; the volumes are in another unit.
    """
    cells = list(_layout(tool)(path))
    _check_scheme(path, tool, cells)
    labels = {spelling: label for label in read_mapping(tool) for spelling in (label.name, label.also) if spelling}
    amounts: dict[str, Amount] = {}
    unknown = []
    for name, volume, voxels in cells:
        label = labels.get(name)
        if label is None:
            unknown.append(name)
            continue
        if label.name in amounts:
            raise UsageError(str(path), f"tells {name} twice", "give a table of one image")
        if (mm3 := _number(path, name, volume)) is not None:
            count = _number(path, name, voxels) if voxels else None
            amounts[label.name] = Amount(mm3 * float(label.mm3 or 1), None if count is None else round(count))
    if not amounts:
        raise UsageError(str(path), f"has none of the regions of {tool}", f"give {TOOLS[tool].about}")
    _check_unit(path, tool, amounts)
    return amounts, tuple(dict.fromkeys(unknown))


def write_foreign(path: Path, tool: str, amounts: Mapping[str, Amount]) -> None:
    """Write a table as another tool does, of the regions that there are, atomically.

    Raises
    ------
    UsageError
        The tool has no tables.
    """
    _layout(tool)
    labels = [label for label in read_mapping(tool) if label.name in amounts]
    write = {"wide": _wide_text, "long": _long_text, "stats": _stats_text}[TOOLS[tool].layout]
    write_text(path, write(labels, amounts))


def _check_scheme(path: Path, tool: str, cells: list[tuple[str, str, str]]) -> None:
    """Refuse a sheet of cerebbids, which tells its scheme, where that is none whose convention is the tool's."""
    told = next((cell.strip() for name, cell, _ in cells if name == "Scheme"), "")
    if told and told.removeprefix("seg-") not in TOOLS[tool].schemes:
        raise UsageError(
            str(path), f"has volumes of {told}, which are not those of {tool}", "give that of the other scheme"
        )


def _layout(tool: str) -> Callable[[Path], _Cells]:
    layout = TOOLS[tool].layout
    if not layout:
        raise UsageError(tool, "has no tables that are known here, only label maps", "give a .nii.gz file")
    return {"wide": _wide_cells, "long": _long_cells, "stats": _stats_cells}[layout]


def _wide_cells(path: Path) -> _Cells:
    """One row, one column a region."""
    rows = _rows(path, ";")
    if len(rows) != 2:
        reason = f"has {max(len(rows) - 1, 0)} rows below its first"
        raise UsageError(str(path), reason, "give a table of one image, with semicolons")
    names, cells = rows
    while names and not names[-1].strip():  # lines may end with a semicolon
        names.pop()
    if len(cells) < len(names):
        raise UsageError(str(path), "is damaged: its second line is short", "copy it again")
    for name, cell in zip(names, cells, strict=False):
        yield name.strip(), cell, ""


def _long_cells(path: Path) -> _Cells:
    """One row a region, whatever unit the column's name claims."""
    header, *rows = _rows(path, ",") or [[]]
    names = [name.strip().lower() for name in header]
    volume = next((k for k, name in enumerate(names) if name.startswith("volume")), None)
    if "name" not in names or volume is None:
        raise UsageError(str(path), "has no columns name and volume", "give ACAPULCO's own table of volumes")
    for row in rows:
        if len(row) != len(names):
            raise UsageError(str(path), "is damaged: a line is short or long", "copy it again")
        yield row[names.index("name")].strip(), row[volume], ""


def _stats_cells(path: Path) -> _Cells:
    """FreeSurfer's statistics: a comment tells the columns."""
    lines = _text(path).splitlines()
    header = next((line.split()[2:] for line in lines if line.startswith("# ColHeaders")), [])
    if not {"StructName", "Volume_mm3"} <= set(header):
        raise UsageError(str(path), "has no columns StructName and Volume_mm3", "give cerebellum.CerebNet.stats")
    for line in lines:
        if line.strip() and not line.startswith("#"):
            row = dict(zip(header, line.split(), strict=False))
            if len(row) != len(header):
                raise UsageError(str(path), "is damaged: a line is short", "copy it again")
            yield row["StructName"], row["Volume_mm3"], row.get("NVoxels", "")


def _wide_text(labels: list[ToolLabel], amounts: Mapping[str, Amount]) -> str:
    cells = [f"{amounts[label.name].mm3 / float(label.mm3 or 1):.6f}" for label in labels]
    return f"{';'.join(label.name for label in labels)}\n{';'.join(cells)}\n"


def _long_text(labels: list[ToolLabel], amounts: Mapping[str, Amount]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "volume"])
    writer.writerows([label.name, f"{amounts[label.name].mm3:.3f}"] for label in labels)
    return text.getvalue()


def _stats_text(labels: list[ToolLabel], amounts: Mapping[str, Amount]) -> str:
    counted = all(amounts[label.name].n_voxels is not None for label in labels)
    columns = ["Index", "SegId", *(["NVoxels"] if counted else []), "Volume_mm3", "StructName"]
    lines = [f"# ColHeaders {' '.join(columns)}"]
    for k, label in enumerate(labels, 1):
        amount = amounts[label.name]
        voxels = [str(amount.n_voxels)] if counted else []
        lines.append(" ".join([str(k), str(label.index), *voxels, f"{amount.mm3:.3f}", label.name]))
    return "\n".join(lines) + "\n"


def _rows(path: Path, delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(_text(path).splitlines(), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise UsageError(str(path), f"is no table ({error})", "copy it again") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(str(path), "is no text", "give a table") from error


def _number(path: Path, name: str, cell: str) -> float | None:
    """A number that is not below 0, with a point or a comma; none where nothing is told."""
    text = cell.strip().replace(",", ".")
    if text.lower() in ("", "n/a", "na", "nan"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise UsageError(str(path), f"tells {cell.strip()!r} of {name}, which is no volume", "correct it")
    return value


def _check_unit(path: Path, tool: str, amounts: Mapping[str, Amount]) -> None:
    """Refuse a table whose volumes are in another unit; of an incomplete one, less is expected."""
    labels = read_mapping(tool)
    regions = [label.name for label in labels if label.atoms != CAVITY_ATOMS]
    known = [amounts[name].mm3 for name in regions if name in amounts]
    cavity = sum(amounts[label.name].mm3 for label in labels if label.atoms == CAVITY_ATOMS and label.name in amounts)
    low, high = CEREBELLUM_MM3
    for total, least, most, what in (
        (sum(known), low * len(known) / len(regions), high, "regions"),
        (cavity, *CAVITY_MM3, "a cavity"),
    ):
        if total and not least <= total <= most:
            reason = f"tells {what} of {total:g} mm3 in all, if its unit is the tool's, which cannot be"
            raise UsageError(str(path), reason, "check its unit")
