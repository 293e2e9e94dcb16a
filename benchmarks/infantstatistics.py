"""What rows of images tell about people: means, paired differences and their intervals, reliability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import bootstrap, spearmanr, wilcoxon

from cerebbids.training.infants import TISSUES

LEAST = 6
"""People without whom Wilcoxon's test cannot come below 0.05, and is left out."""
RESAMPLED = 2000
BINS = 10
LOW_IS_GOOD = ("seconds", "error")


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of people, by resampling them; none for fewer than two or all alike."""
    if len(values) < 2 or np.ptp(values) == 0:
        return (float("nan"),) * 2
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLED, method="percentile", random_state=0)
    return tuple(map(float, found.confidence_interval))


def summary(rows: pd.DataFrame, against: dict[str, str], columns: Sequence[str] = (*TISSUES, "mean")) -> pd.DataFrame:
    """Sum up rows of images: a row a variant, age and column, over people (the mean of each person's images).

    Parameters
    ----------
    rows : DataFrame
        ``variant``, ``age``, ``person``, ``image`` and the columns.
    against : dict
        Variant -> the one that it is compared with: ``effect`` is the mean of the paired differences, ``low`` and
        ``high`` bound it, ``p`` is that of Wilcoxon's signed-rank test.
    columns : sequence of str
    """
    told = []
    people = rows.groupby(["variant", "age", "person"], sort=False)[[*columns]].mean().sort_index()
    for (variant, age), images in rows.groupby(["variant", "age"], sort=False):
        own, other = people.xs((variant, age)), None
        if against.get(variant) in people.index and (against[variant], age) in people.droplevel("person").index:
            other = people.xs((against[variant], age)).loc[own.index]
        for column in columns:
            values = own[column].to_numpy()
            row = {"variant": variant, "age": age, "measure": column, "n": len(own), "images": len(images)}
            row |= {
                "mean": values.mean(),
                "sd": own[column].std(),
                "worst": images[column].agg("max" if column in LOW_IS_GOOD else "min"),
            }
            if other is not None:
                row |= {"against": against[variant], **compared(values, other[column].to_numpy())}
            told.append(row)
    return pd.DataFrame(told)


def compared(own: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Paired difference of people: its mean and interval, how many are better, and p."""
    difference = own - other
    low, high = interval(difference)
    found = {"effect": difference.mean(), "low": low, "high": high, "better": int((difference > 0).sum())}
    return {**found, "p": float(wilcoxon(own, other).pvalue) if len(own) >= LEAST and difference.any() else np.nan}


def rho(splits: Sequence[Sequence[np.ndarray]]) -> float:
    """Spearman's correlation of trust with true Dice: the mean over splits of arrays (2, images), one a person."""
    return float(np.mean([spearmanr(*np.concatenate(people, 1)).statistic for people in splits]))


def order(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether the most trusted are the best: a row an age and split, and one over splits; people are resampled."""
    told = []
    for age, cohort in rows.groupby("age", sort=False):
        for name, part in [*((f"{n}", part) for n, part in cohort.groupby("split")), ("all", cohort)]:
            splits = [
                [own[["trust", "mean"]].to_numpy().T for _, own in split.groupby("person")]
                for _, split in part.groupby("split")
            ]
            rng = np.random.default_rng(0)
            drawn = [
                rho([[people[i] for i in rng.integers(len(people), size=len(people))] for people in splits])
                for _ in range(RESAMPLED)
            ]
            low, high = np.nanquantile(drawn, (0.025, 0.975))
            p = spearmanr(part["trust"], part["mean"]).pvalue if name != "all" else np.nan
            told.append({"age": age, "split": name, "images": len(part), "people": sum(map(len, splits)),
                         "rho": rho(splits), "low": low, "high": high, "p": p,
                         "sd_of_dice": part["mean"].std()})  # fmt: skip
    return pd.DataFrame(told)


def reliability(confidence: np.ndarray, right: np.ndarray) -> dict[str, list[float]]:
    """Voxels of ten equal steps of confidence: how many, the sum of confidence, how many are right.

    Examples
    --------
    >>> reliability(np.array([0.05, 0.95, 1.0]), np.array([False, True, False]))["right"][-1]
    1.0
    """
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    weights = {"voxels": None, "confidence": confidence, "right": right}
    return {name: np.bincount(places, w, BINS).astype(float).tolist() for name, w in weights.items()}


def curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Reliability of each age, of rows of images with the lists of :func:`reliability`: a row a step."""
    told = []
    for age, images in rows.groupby("age", sort=False):
        voxels, confidence, right = (np.sum(images[name].tolist(), 0) for name in ("voxels", "confidence", "right"))
        for place in range(BINS):
            told.append({"age": age, "from": place / BINS, "to": (place + 1) / BINS, "voxels": int(voxels[place]),
                         "confidence": confidence[place] / voxels[place] if voxels[place] else np.nan,
                         "right": right[place] / voxels[place] if voxels[place] else np.nan})  # fmt: skip
    return pd.DataFrame(told)


def calibration(voxels: Sequence[float], confidence: Sequence[float], right: Sequence[float]) -> dict[str, float]:
    """Of one image, in percent: labels that are right, mean confidence, expected calibration error over the steps."""
    total = sum(voxels)
    error = float(np.abs(np.subtract(confidence, right)).sum())
    return {
        "right": 100 * sum(right) / total,
        "confidence": 100 * sum(confidence) / total,
        "error": 100 * error / total,
    }
