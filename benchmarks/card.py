"""The accuracy table of the model card, from what ``crossvalidate.py`` has written.

Usage: python benchmarks/card.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).with_name("results")


def _farthest_from_one(values: pd.Series) -> float:
    return values[(values - 1).abs().idxmax()]


MEASURES: dict[str, tuple[str, Callable[[pd.Series], float]]] = {
    "whole": ("whole cerebellum, Dice", pd.Series.min),
    "left": ("left without vermis", pd.Series.min),
    "right": ("right without vermis", pd.Series.min),
    "white": ("white matter", pd.Series.min),
    "vermis_71": ("lobules I-V inside the manual vermis", pd.Series.min),
    "vermis_72": ("VI, Crus, VIIB inside the manual vermis", pd.Series.min),
    "vermis_73": ("VIIIA-X inside the manual vermis", pd.Series.min),
    "hd95_mm": ("Hausdorff distance, 95 %, mm", pd.Series.max),
    "volume_ratio": ("volume, automatic / manual", _farthest_from_one),
}
"""Column -> what the card calls it, and which of its values is the worst."""


def accuracy(table: pd.DataFrame) -> str:
    """Markdown table of means, standard deviations and worst cases.

    Parameters
    ----------
    table : DataFrame
        ``crossvalidation.tsv``, one row a person.
    """
    lines = ["| | mean | SD | worst | n |", "|---|---|---|---|---|"]
    for column, (name, worst) in MEASURES.items():
        values = table[column]
        numbers = (values.mean(), values.std(), worst(values))
        lines.append(f"| {name} | {' | '.join(f'{number:.3f}' for number in numbers)} | {values.count()} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(accuracy(pd.read_csv(RESULTS / "crossvalidation.tsv", sep="\t")))
