"""How the experiments write their tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cerebbids.files import atomic


def write_table(table: pd.DataFrame, path: Path, *, index: bool = False, float_format: str = "%.4g") -> None:
    """Write a table whole, or not at all: columns parted by tabs, ``n/a`` for what is missing."""
    with atomic(path) as draft:
        table.to_csv(draft, sep="\t", index=index, float_format=float_format, na_rep="n/a")
