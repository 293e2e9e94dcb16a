"""The sheet of an image's volumes as PDF: two pages, in the shape that readers of volBrain's reports know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from cerebbids.files import atomic
from cerebbids.reports.sheet import Sheet
from cerebbids.reports.volumetry import Amount, Measured, Row

MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN
_PADDING = 6
"""What reportlab leaves free inside of margins, points."""
MOST_NOTES = 8
"""Warnings that fit; of the others their number is told."""
CONVENTIONS = {
    "Lobules": "A lobule is its grey matter with the thin fluid between its folia; white matter includes the arbor "
    "vitae. I-II, III and IV are too thin to be told apart at 1 mm: use their sum, I-IV.",
    "DeepCERES": "Measured at 0.5 mm: fluid between folia is no part of a lobule, its fine branches of white matter "
    "are white matter, and peduncles are left out.",
}
"""What volumes of a scheme are of."""

_LIGHTS = {"green": "#2e9e63", "yellow": "#f0b400", "red": "#d0342c"}
_INK, _SOFT, _LINE, _RED = (colors.HexColor(code) for code in ("#1f2733", "#5b6675", "#c9ced6", "#b3261e"))
_HEADS = ("cm³", "% ICV", "cm³", "% ICV", "cm³", "% ICV", "%")
_COLUMNS = [WIDTH * share for share in (0.135, 0.14, 0.11, 0.14, 0.11, 0.14, 0.11, 0.115)]


def write_pdf(sheet: Sheet, out: Path) -> None:
    """Write a sheet, atomically; the same sheet makes the same file.

    Parameters
    ----------
    sheet : Sheet
    out : Path
        PDF file, A4.
    """
    _register_fonts()
    with atomic(out) as draft:
        document = SimpleDocTemplate(
            str(draft), pagesize=A4, topMargin=14 * mm, bottomMargin=16 * mm,
            leftMargin=MARGIN - _PADDING, rightMargin=MARGIN - _PADDING,
            title=f"Cerebellum volumes of {sheet.image}", author="cerebbids", subject=f"seg-{sheet.scheme}",
            lang="en", invariant=1,
        )  # fmt: skip
        document.build([*_first_page(sheet), PageBreak(), *_second_page(sheet)], _footer, _footer)


@cache
def _register_fonts() -> None:
    """Fonts that know all names: they come with matplotlib."""
    folder = Path(mpl.get_data_path(), "fonts", "ttf")
    for name, file in (("Sans", "DejaVuSans.ttf"), ("Sans-Bold", "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, folder / file))


def _style(
    size: float, color: colors.Color = _INK, *, bold: bool = False, right: bool = False, indent: float = 0
) -> ParagraphStyle:
    name = "Sans-Bold" if bold else "Sans"
    more = {"leftIndent": indent, **({"alignment": TA_RIGHT} if right else {})}
    return ParagraphStyle(f"{name}{size}", fontName=name, fontSize=size, leading=1.3 * size, textColor=color, **more)


def _text(
    text: str, size: float = 8, color: colors.Color = _INK, *, bold: bool = False, right: bool = False
) -> Flowable:
    return Paragraph(escape(text), _style(size, color, bold=bold, right=right))


def _first_page(sheet: Sheet) -> list[Flowable]:
    return [
        _text("Volumes of the cerebellum", 16, bold=True),
        _text(f"seg-{sheet.scheme}: {CONVENTIONS[sheet.scheme]}", 8, _SOFT),
        Spacer(1, 4 * mm),
        _header(sheet),
        Spacer(1, 3 * mm),
        *_notes(sheet),
        Spacer(1, 4 * mm),
        _text("Tissues", 11, bold=True),
        Spacer(1, 1.5 * mm),
        _volumes(sheet, "sum"),
        Spacer(1, 5 * mm),
        *_picture(sheet),
    ]


def _second_page(sheet: Sheet) -> list[Flowable]:
    return [
        _text("Lobules", 11, bold=True),
        _text(sheet.image, 8, _SOFT),
        Spacer(1, 2 * mm),
        _volumes(sheet, "part", "lobule"),
        Spacer(1, 3 * mm),
        *(_text(line, 7.5, _SOFT) for line in _explained(sheet)),
    ]


def _header(sheet: Sheet) -> Table:
    cells = [(_text(name, 8, _SOFT), _value(name, value, sheet)) for name, value in sheet.header]
    half = (len(cells) + 1) // 2
    pairs = [[*left, *right] for left, right in zip(cells[:half], cells[half:], strict=True)]
    table = Table(pairs, [WIDTH * share for share in (0.13, 0.37, 0.16, 0.34)])
    table.setStyle(TableStyle([*_PLAIN, ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE)]))
    return table


def _value(name: str, value: str, sheet: Sheet) -> Flowable:
    if name == "Quality" and sheet.light in _LIGHTS:
        return Paragraph(f'<font color="{_LIGHTS[sheet.light]}">●</font> {escape(value)}', _style(8))
    return _text(value)


def _notes(sheet: Sheet) -> list[Flowable]:
    if not sheet.notes:
        return [_text("Nothing came up in the automatic checks; look at the page of the participant all the same.", 8)]
    shown = [_text(f"Look here: {_shortened(line)}", 8, _RED) for line in sheet.notes[:MOST_NOTES]]
    left = len(sheet.notes) - MOST_NOTES
    return [*shown, *([_text(f"And {left} more: see the page of the participant.", 8, _RED)] if left > 0 else [])]


def _shortened(line: str, most: int = 220) -> str:
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _picture(sheet: Sheet) -> list[Flowable]:
    if sheet.picture is None:
        return [_text("There is no picture of the labels.", 8, _SOFT)]
    width, height = ImageReader(str(sheet.picture)).getSize()
    picture = Image(str(sheet.picture), WIDTH, WIDTH * height / width)
    told = (
        "Labels on the scan: coronal, axial (left is on the left) and sagittal (of the left side, anterior is right)."
    )
    return [picture, _text(told, 7.5, _SOFT)]


_PLAIN = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    *((f"{side}PADDING", (0, 0), (-1, -1), 2) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
]


def _volumes(sheet: Sheet, *kinds: str) -> Table:
    rows = [row for row in sheet.volumetry.rows if row.region.kind in kinds]
    sides = ["", "Total", "", "Right", "", "Left", "", "Asymmetry"]
    top = [[_text(cell, 8, bold=True, right=k > 0) for k, cell in enumerate(sides)]]
    units = [[_text("Structure", 7, _SOFT), *(_text(unit, 7, _SOFT, right=True) for unit in _HEADS)]]
    body = [_cells(row) for row in rows]
    if "sum" in kinds and (cavity := sheet.volumetry.cavity):
        cm3 = "n/a" if cavity.cm3 is None else f"{cavity.cm3:.2f}"
        body.append([_text("Intracranial cavity", 8), _text(cm3, 8, right=True), *[""] * 6])
    table = Table([*top, *units, *body], _COLUMNS, repeatRows=2)
    spans = [("SPAN", (k, 0), (k + 1, 0)) for k in (1, 3, 5)]
    lines = [("LINEBELOW", (0, 1), (-1, 1), 0.8, _INK), ("LINEBELOW", (0, 2), (-1, -1), 0.3, _LINE)]
    table.setStyle(TableStyle([*_PLAIN, *spans, *lines]))
    return table


def _cells(row: Row) -> list[Flowable | Sequence[Flowable]]:
    name = "Cerebellum" if row.region.name == "Total" else row.region.name
    part = row.region.kind == "part"
    amounts = (cell for amount in (row.total, row.right, row.left) for cell in _amount(amount))
    title = Paragraph(escape(name), _style(8, _SOFT if part else _INK, indent=8 if part else 0))
    return [title, *amounts, _measured(row.asymmetry, 1)]


def _amount(amount: Amount) -> tuple[list[Flowable], list[Flowable]]:
    return _measured(amount.cm3, 2), _measured(amount.percent, 3)


def _measured(measured: Measured, digits: int) -> list[Flowable]:
    """A value, in red outside of its bounds, and these beneath it."""
    value = "n/a" if measured.value is None else f"{measured.value:.{digits}f}".replace("-", "−")
    shown = [_text(value, 8, _RED if measured.outside else _INK, bold=measured.outside, right=True)]
    return shown + [_text(line, 6, _SOFT, right=True) for line in measured.bounds(digits)]


def _explained(sheet: Sheet) -> list[str]:
    """What the numbers are, and why bounds are missing."""
    told = [_shortened(line, 900) for line in sheet.volumetry.explained()]
    formula = (
        "Asymmetry is 100 (R − L) / ((R + L) / 2). Left and right are the person's. ICV is the intracranial cavity."
    )
    return [formula, *told]


def _footer(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.saveState()
    canvas.setFont("Sans", 7)
    canvas.setFillColor(_SOFT)
    canvas.drawString(MARGIN, 9 * mm, "cerebbids · for research only: not a medical device, no diagnosis")
    canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"page {document.page} of 2")
    canvas.restoreState()
