"""The sheet of an image as CSV: one line below its header, so that those of many images can be put together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cerebbids.files import write_text
from cerebbids.reports.sheet import Sheet
from cerebbids.reports.volumetry import Amount, Measured, Row


def write_csv(sheet: Sheet, out: Path) -> None:
    """Write what the PDF says, with semicolons, atomically; numbers have points, what is not known is ``n/a``.

    Lobules are named as in volBrain's reports, so that scripts for these find them.

    Parameters
    ----------
    sheet : Sheet
    out : Path
        CSV file.
    """
    cells = [*sheet.header, ("Scheme", f"seg-{sheet.scheme}"), *_volumes(sheet)]
    lines = (";".join(_plain(cell[k]) for cell in cells) for k in (0, 1))
    write_text(out, "\n".join(lines) + "\n")


def _volumes(sheet: Sheet) -> Iterator[tuple[str, str]]:
    for row in sheet.volumetry.rows:
        yield from _row(row)
    if cavity := sheet.volumetry.cavity:
        yield "ICV total volume cm3", "n/a" if cavity.cm3 is None else f"{cavity.cm3:.6f}"
    persons = {each.place.n for row in sheet.volumetry.rows for each in row.measured if each.place.n}
    yield "Norms", next((row.total.cm3.place.source for row in sheet.volumetry.rows), "") or "n/a"
    yield "Norms people", "n/a" if not persons else str(min(persons))


def _row(row: Row) -> Iterator[tuple[str, str]]:
    name = _spoken(row.region.name)
    for side, amount in (("total", row.total), ("right", row.right), ("left", row.left)):
        yield from _amount(f"{name} {side} volume", amount)
    yield from _measured(f"{name} asymmetry", row.asymmetry)


def _amount(name: str, amount: Amount) -> Iterator[tuple[str, str]]:
    yield from _measured(f"{name} cm3", amount.cm3)
    yield from _measured(f"{name} %", amount.percent)


def _measured(name: str, measured: Measured) -> Iterator[tuple[str, str]]:
    place = measured.place
    yield name, _number(measured.value)
    yield f"{name} lower bound", _number(place.lower.value if place.lower else None)
    yield f"{name} upper bound", _number(place.upper.value if place.upper else None)
    yield f"{name} centile", place.text


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


def _plain(text: str) -> str:
    """Text that no semicolon or line end cuts."""
    return text.replace(";", ",").replace("\n", " ").replace("\r", " ")
