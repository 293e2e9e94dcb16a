"""Volumes of ``seg-DeepCERES`` of young adults beside those that the published tool finds in others.

Usage: python benchmarks/volumes.py VOLUMES.tsv PUBLISHED.tsv OUT.tsv

VOLUMES.tsv is written by ``cascade.py``: people of 18 to 34 years are taken. PUBLISHED.tsv has ``lobule``,
``left_mean_cm3``, ``left_sd``, ``right_mean_cm3`` and ``right_sd`` of one group of healthy adults. For
``results/volumes.tsv`` it is what DeepCERES found in the 18 adults of the HNU test-retest set (Chardon et al.,
reliability of cerebellar volumetry, CC BY-NC 4.0). Writes, a row a lobule and side, both means and SDs (cm3), their
ratio, and the share of all lobules of both groups.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

AGES = (18, 34)
"""Years."""
TOGETHER = {"I-V": ("I-II", "III", "IV", "V")}
"""What the published table counts together."""


def compared(volumes: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Table of both groups.

    Parameters
    ----------
    volumes : DataFrame
        A row a person, a column a label of seg-DeepCERES (``L-VI``, say), cm3.
    published : DataFrame
        A row a lobule, means and SDs of each side, cm3.
    """
    young = volumes[volumes["age"].between(*AGES)]
    rows = []
    for told in published.itertuples():
        for side in ("left", "right"):
            names = [f"{side[0].upper()}-{part}" for part in TOGETHER.get(told.lobule, (told.lobule,))]
            own, theirs = young[names].sum(axis=1), getattr(told, f"{side}_mean_cm3")
            rows.append({
                "lobule": told.lobule, "side": side, "n": len(own), "mean_cm3": own.mean(), "sd_cm3": own.std(),
                "published_cm3": theirs, "published_sd": getattr(told, f"{side}_sd"), "ratio": own.mean() / theirs,
            })  # fmt: skip
    table = pd.DataFrame(rows)
    for column, name in (("mean_cm3", "share"), ("published_cm3", "published_share")):
        table[name] = table[column] / table[column].sum()
    return table


def main() -> None:
    """Write the table; print it with the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("volumes", "published", "out"):
        parser.add_argument(name, type=Path)
    asked = parser.parse_args()
    table = compared(*(pd.read_csv(path, sep="\t") for path in (asked.volumes, asked.published)))
    table.to_csv(asked.out, sep="\t", index=False, float_format="%.4f")
    print(table.round(3).to_string(index=False))
    ours, theirs = table["mean_cm3"].sum(), table["published_cm3"].sum()
    print(f"all lobules: {ours:.1f} cm3, published {theirs:.1f} cm3, ratio {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
