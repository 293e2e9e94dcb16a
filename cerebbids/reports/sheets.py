"""The sheets of an image's tables of volumes, as PDF and CSV."""

from __future__ import annotations

from pathlib import Path

from cerebbids.bids.names import DERIVATIVES, SHEETS, SNAPSHOTS
from cerebbids.reports.image import ImageReport
from cerebbids.reports.pdf import write_pdf
from cerebbids.reports.sheet import sheet_of
from cerebbids.reports.sheetcsv import write_csv

_WRITERS = {"PDF": write_pdf, "CSV": write_csv}


def write_sheets(image: ImageReport) -> None:
    """Write the sheets of the tables that an image has; those of others, which an earlier run has left, go.

    Parameters
    ----------
    image : ImageReport
        One without places for sheets gets none.

    Raises
    ------
    CerebbidsError
        A table lacks a region.
    """
    for table, kinds in SHEETS.items():
        places = {kind: image.sheets[key] for kind, key in kinds.items() if key in image.sheets}
        if table not in image.tables:
            for path in filter(Path.exists, places.values()):
                path.unlink()
        elif places:
            snapshot = image.sheets[SNAPSHOTS[table]]
            sheet = sheet_of(image, image.tables[table], DERIVATIVES[table]["seg"], snapshot)
            for kind, path in places.items():
                _WRITERS[kind](sheet, path)
