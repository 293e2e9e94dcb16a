"""The sheet of an image as CSV: one line below its header, so that those of many images can be put together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from cerebbids.files import write_text
from cerebbids.norms.lookup import Bound
from cerebbids.reports.sheet import Sheet
from cerebbids.reports.volumetry import Amount, Measured, Row


def write_csv(sheet: Sheet, out: Path) -> None:
    """Write what the PDF says, with semicolons, atomically; numbers have points, what is not known is ``n/a``.

    All images have the same columns. Lobules are named as in volBrain's reports, so that scripts for these find them.

    Parameters
    ----------
    sheet : Sheet
    out : Path
        CSV file.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    names, values = zip(*_cells(sheet), strict=True)
    writer.writerows([names, [" ".join(value.split()) for value in values]])
    write_text(out, text.getvalue())


def _cells(sheet: Sheet) -> Iterator[tuple[str, str]]:
    for name, value in sheet.header:
        yield name, value
        if name == "Age":  # a number, for those who put many images together
            yield "Age years", "n/a" if sheet.age is None else f"{sheet.age:.4f}"
    yield "Scheme", f"seg-{sheet.scheme}"
    yield "Notes", " ".join(sheet.notes) or "n/a"
    for row in sheet.volumetry.rows:
        yield from _row(row)
    cavity = sheet.volumetry.cavity
    yield "ICV total volume cm3", _number(cavity.cm3 if cavity else None)
    yield "Norms", sheet.volumetry.source or "n/a"
    yield "Norms people", sheet.volumetry.people or "n/a"
    yield "Why bounds are missing", "; ".join(sheet.volumetry.reasons) or "n/a"


def _row(row: Row) -> Iterator[tuple[str, str]]:
    name = _spoken(row.region.name)
    for side, amount in (("total", row.total), ("right", row.right), ("left", row.left)):
        yield from _amount(f"{name} {side} volume", amount)
    yield from _measured(f"{name} asymmetry", row.asymmetry)


def _amount(name: str, amount: Amount) -> Iterator[tuple[str, str]]:
    yield from _measured(f"{name} cm3", amount.cm3)
    yield from _measured(f"{name} %", amount.percent)


def _measured(name: str, measured: Measured) -> Iterator[tuple[str, str]]:
    yield name, _number(measured.value)
    yield from _bound(f"{name} lower bound", measured.place.lower)
    yield from _bound(f"{name} upper bound", measured.place.upper)
    yield f"{name} centile", measured.place.text


def _bound(name: str, bound: Bound | None) -> Iterator[tuple[str, str]]:
    yield name, _number(bound.value if bound else None)
    yield f"{name} low", _number(bound.low if bound else None)
    yield f"{name} high", _number(bound.high if bound else None)


def _spoken(region: str) -> str:
    """Name of a region as in volBrain's tables.

    Examples
    --------
    >>> [_spoken(name) for name in ("I-II", "VIIB", "Crus I", "Grey matter", "Total")]
    ['Lobules I-II', 'Lobule VIIB', 'Crus I', 'Grey matter', 'Cerebellum']
    """
    if region == "Total":
        return "Cerebellum"
    if set(region) - set("IVX-AB"):
        return region
    return f"Lobules {region}" if "-" in region else f"Lobule {region}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.6f}"
