"""Volumes of many images: which lie far from the others, how the sides differ, and what changed between sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST = 5
"""Fewer images than these say nothing about what is usual, and so nothing about outliers."""

FENCE = 1.5
"""How many interquartile ranges beyond the quartiles an outlier lies (Tukey)."""


@dataclass(frozen=True)
class Spread:
    """How the volumes of one region spread over images.

    Parameters
    ----------
    mean, sd : float
        Mean, and standard deviation of the sample (divided by n - 1).
    q1, median, q3 : float
        Quartiles, interpolated linearly between values.

    Examples
    --------
    >>> spread_of([1, 2, 3, 4, 10])
    Spread(mean=4.0, sd=3.5355339059327378, q1=2.0, median=3.0, q3=4.0)
    >>> spread_of([1, 2, 3, 4, 10]).fences
    (-1.0, 7.0)
    >>> spread_of([1, 2, 3, 4]) is None
    True
    """

    mean: float
    sd: float
    q1: float
    median: float
    q3: float

    @property
    def fences(self) -> tuple[float, float]:
        """Between which values there is no outlier."""
        reach = FENCE * (self.q3 - self.q1)
        return self.q1 - reach, self.q3 + reach


def spread_of(values: Sequence[float]) -> Spread | None:
    """Measure how values spread; none where fewer than `LEAST` of them are known.

    Parameters
    ----------
    values : sequence of float, (n,)
        Missing ones are left aside.
    """
    numbers = pd.Series(values, dtype="Float64").dropna().to_numpy(dtype=float)
    if len(numbers) < LEAST:
        return None
    q1, median, q3 = np.quantile(numbers, (0.25, 0.5, 0.75))
    return Spread(float(numbers.mean()), float(numbers.std(ddof=1)), float(q1), float(median), float(q3))


def with_outliers(volumes: pd.DataFrame) -> pd.DataFrame:
    """Say of every volume how far it is from that of the other images.

    Parameters
    ----------
    volumes : DataFrame
        Rows of one scheme, with columns name and volume_mm3.

    Returns
    -------
    DataFrame
        The same with z (standard deviations from the mean of the region over all images; missing where all are the
        same) and iqr_outlier (whether it lies beyond 1.5 interquartile ranges from the quartiles); both are missing
        where fewer than `LEAST` images have the region.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["VI"] * 5, "volume_mm3": [1.0, 2, 3, 4, 10]})
    >>> with_outliers(table)[["z", "iqr_outlier"]].values.tolist()[-2:]
    [[0.0, False], [1.697, True]]
    """
    found = volumes.assign(z=pd.NA, iqr_outlier=pd.NA).astype({"z": "Float64", "iqr_outlier": "boolean"})
    for _, region in volumes.groupby("name", sort=False):
        values = region["volume_mm3"]
        spread = spread_of(values)
        if spread is None:
            continue
        low, high = spread.fences
        if spread.sd > 0:
            found.loc[region.index, "z"] = ((values - spread.mean) / spread.sd).astype("Float64").round(3)
        found.loc[region.index, "iqr_outlier"] = ((values < low) | (values > high)).astype("boolean")
    return found


def asymmetries(volumes: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Compare the right side with the left one.

    Parameters
    ----------
    volumes : DataFrame
        Rows of one scheme, with columns name, hemisphere and volume_mm3, and `keys`.
    keys : sequence of str
        Columns that tell images apart.

    Returns
    -------
    DataFrame
        Columns `keys`, name (of both sides), left_mm3, right_mm3 and asymmetry_percent, which is
        ``100 (R - L) / ((R + L) / 2)``; missing where there is nothing on either side.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "image": "sub-1", "name": ["Left VI", "Right VI"], "hemisphere": ["left", "right"], "volume_mm3": [9.0, 11]
    ... })
    >>> asymmetries(table, ["image"]).values.tolist()
    [['sub-1', 'VI', 9.0, 11.0, 20.0]]
    """
    columns = [*keys, "name", "volume_mm3"]
    left, right = (
        volumes.loc[volumes["hemisphere"] == side, columns].assign(
            name=lambda rows: rows["name"].str.split(" ", n=1).str[1]
        )
        for side in ("left", "right")
    )
    both = left.rename(columns={"volume_mm3": "left_mm3"}).merge(
        right.rename(columns={"volume_mm3": "right_mm3"}), on=[*keys, "name"]
    )
    total = both["left_mm3"] + both["right_mm3"]
    index = 200 * (both["right_mm3"] - both["left_mm3"]) / total.where(total > 0)
    return both.assign(asymmetry_percent=index.round(3))


def changes(volumes: pd.DataFrame, pairs: Sequence[tuple[str, str]], facts: Mapping[str, str]) -> pd.DataFrame:
    """Subtract volumes of earlier images from those of later ones.

    Parameters
    ----------
    volumes : DataFrame
        Rows of one scheme, with columns participant_id, session_id, image, index, name, hemisphere, tissue and
        volume_mm3.
    pairs : sequence of (str, str)
        Earlier and later image of a participant, by their stems.
    facts : dict of str to str
        By what the sessions of a participant were put into order.

    Returns
    -------
    DataFrame
        One row a pair and region: participant_id, earlier_session, later_session, earlier_image, later_image,
        session_order, the columns of the region, earlier_mm3, later_mm3, change_mm3 and change_percent (of the earlier
        volume; missing where that is 0).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "participant_id": "sub-1", "session_id": ["ses-a", "ses-b"], "image": ["a", "b"], "index": 1,
    ...     "name": "Left I-II", "hemisphere": "left", "tissue": "GM", "volume_mm3": [200.0, 190.0],
    ... })
    >>> changes(table, [("a", "b")], {"sub-1": "name"})[["earlier_mm3", "change_mm3", "change_percent"]].values.tolist()
    [[200.0, -10.0, -5.0]]
    """
    region = ["index", "name", "hemisphere", "tissue"]
    paired = pd.DataFrame(list(pairs), columns=["earlier_image", "later_image"])
    told = ["participant_id", "session_id", "image", *region, "volume_mm3"]
    earlier, later = (
        volumes[told].rename(
            columns={"session_id": f"{when}_session", "image": f"{when}_image", "volume_mm3": f"{when}_mm3"}
        )
        for when in ("earlier", "later")
    )
    both = paired.merge(earlier, on="earlier_image").merge(
        later.drop(columns=["participant_id", *(column for column in region if column != "name")]),
        on=["later_image", "name"],
    )
    grown = both["later_mm3"] - both["earlier_mm3"]
    before = both["earlier_mm3"]
    both["session_order"] = both["participant_id"].map(facts)
    both["change_mm3"] = grown.round(3)
    both["change_percent"] = (100 * grown / before.where(before > 0)).round(3)
    sessions = ["earlier_session", "later_session", "earlier_image", "later_image", "session_order"]
    return both[["participant_id", *sessions, *region, "earlier_mm3", "later_mm3", "change_mm3", "change_percent"]]
