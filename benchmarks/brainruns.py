"""What the experiments on painted whole brains share: their options, and how they are summed up over seeds."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cerebbids.training.memory import keep_freed_memory


def add_options(parser: argparse.ArgumentParser, seeds: int, steps: int) -> None:
    """Add the places and options of every experiment; ``seeds`` is the largest number of seeds, and the default."""
    for name in ("kit", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--seeds", type=int, choices=range(1, seeds + 1), default=seeds)
    parser.add_argument("--steps", type=int, default=steps, help=f"of each network (default: {steps})")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--spacing", type=float, default=1.5, help="edge of a voxel, mm (default: 1.5)")
    parser.add_argument("--threads", type=int, default=2)


def begin(asked: argparse.Namespace) -> None:
    """Make the folder for tables, and set up PyTorch."""
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    asked.out.mkdir(parents=True, exist_ok=True)


def over_seeds(
    images: pd.DataFrame, measures: list[str], keys: tuple[str, ...] = (), against: str | None = None
) -> pd.DataFrame:
    """Mean and spread over seeds, and over seeds' differences from one variant.

    Parameters
    ----------
    images : DataFrame
        A row an image, with ``seed``, ``variant``, and ``keys``. What is missing of a measure is left out.
    measures : list of str
        Columns.
    keys : tuple of str
        Columns whose values get rows of their own.
    against : str, optional
        Variant that the others are compared with: the first, where it is not given.

    Returns
    -------
    DataFrame
        A row a variant, value of the keys, and measure: ``mean`` and ``sd`` over the ``n`` seeds of the seeds' means,
        and ``images``, how many there are that have the measure;
        ``effect`` and ``effect_sd`` over seeds of the differences from the variant ``against``, missing for that one.
    """
    own = ["variant", *keys, "measure"]
    long = images.astype(dict.fromkeys(measures, float)).melt(["seed", *own[:-1]], measures, "measure", "value")
    means = long.dropna(subset="value").groupby([*own, "seed"], sort=False)["value"].mean().unstack("seed")
    table = pd.DataFrame({"mean": means.mean(axis=1), "sd": means.std(axis=1), "n": means.notna().sum(axis=1)})
    table["images"] = long.groupby(own, sort=False)["value"].count().reindex(table.index)
    against = images["variant"].iloc[0] if against is None else against
    differences = means - means.loc[against].reindex(means.index.droplevel("variant")).to_numpy()
    table["against"], table["effect"], table["effect_sd"] = against, differences.mean(axis=1), differences.std(axis=1)
    table.loc[against, ["against", "effect", "effect_sd"]] = np.nan
    return table.reset_index()
