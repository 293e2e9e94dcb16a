"""The people that norms are fitted to: a group's volumes, with ages and sexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cerebbids.bids.names import GROUP_QC, SCHEMES
from cerebbids.bids.people import People
from cerebbids.errors import UsageError
from cerebbids.imaging.cohort import asymmetries
from cerebbids.imaging.volumetry import CAVITY

_KEYS = ["participant_id", "session_id", "image"]
_COLUMNS = [*_KEYS, "name", "hemisphere", "volume_mm3", "icv_percent"]


@dataclass(frozen=True)
class Sample:
    """Values of one measure of one structure.

    Parameters
    ----------
    structure, measure : str
    people : ndarray of str, (n,)
        Participant of each value; one may have several images.
    ages : ndarray, (n,)
        Years.
    male : ndarray of bool, (n,)
    values : ndarray, (n,)
    pooled : bool
        Whether women and men share one curve.
    """

    structure: str
    measure: str
    people: np.ndarray
    ages: np.ndarray
    male: np.ndarray
    values: np.ndarray
    pooled: bool = False

    def take(self, rows: np.ndarray) -> Sample:
        """Those of some rows."""
        names = ("people", "ages", "male", "values")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def count(self, male: bool | None = None) -> int:
        """Count people, or those of one sex."""
        return len(np.unique(self.people if male is None else self.people[self.male == male]))

    def by_curve(self) -> dict[str, np.ndarray]:
        """Which values each curve is of, by ``female`` and ``male`` as far as there are any, or by ``both``."""
        if self.pooled:
            return {"both": np.ones(len(self.values), bool)}
        return {sex: rows for sex, rows in (("female", ~self.male), ("male", self.male)) if rows.any()}


def scheme_of(table: Path) -> str:
    """Label scheme of a group's table, by its name.

    Examples
    --------
    >>> scheme_of(Path("group_seg-Lobules_morph.tsv"))
    'Lobules'
    """
    found = re.fullmatch(r".*_seg-([a-zA-Z0-9]+)_morph\.tsv", table.name)
    if found is None or found[1] not in SCHEMES:
        reason = "is not named as a group's table of volumes in rows"
        raise UsageError(str(table), reason, "give group_seg-<scheme>_morph.tsv of cerebbids ... group")
    return found[1]


def read_volumes(table: Path) -> pd.DataFrame:
    """Read a group's table in rows.

    Raises
    ------
    UsageError
        It is damaged, or of another kind.
    """
    try:
        frame = pd.read_csv(table, sep="\t", keep_default_na=False, na_values=["n/a"], dtype={k: str for k in _KEYS})
        frame = frame[_COLUMNS].astype({"volume_mm3": float, "icv_percent": float})
    except (KeyError, ValueError) as error:
        raise UsageError(str(table), "is not a group's table of volumes in rows", "make it again") from error
    if frame.duplicated(["image", "name"]).any():
        raise UsageError(str(table), "is damaged: an image has a region twice", "make it again")
    numbers = frame[["volume_mm3", "icv_percent"]]
    if ((numbers < 0) | np.isinf(numbers)).any(axis=None):
        raise UsageError(str(table), "is damaged: a volume is below 0 or without end", "make it again")
    return frame.fillna({"session_id": ""})


def with_people(volumes: pd.DataFrame, people: People) -> tuple[pd.DataFrame, dict[str, str]]:
    """Add age (years) and whether somebody is male to volumes; also why images are left out.

    Parameters
    ----------
    volumes : DataFrame
        As :func:`read_volumes` gives it.
    people : People

    Returns
    -------
    frame : DataFrame
        Rows of images whose age and sex are known, with the columns age and male.
    left_out : dict of str to str
        Reasons by images.
    """
    images = volumes[_KEYS].drop_duplicates("image")
    found, left_out = {}, {}
    for row in images.itertuples(index=False):
        person = people.of(row.participant_id, row.session_id)
        if person.age is None or person.sex is None:
            left_out[row.image] = person.why_no_age or person.why_no_sex
        else:
            found[row.image] = (person.age, person.sex == "male")
    frame = volumes[volumes["image"].isin(list(found))].copy()
    frame["age"] = [found[image][0] for image in frame["image"]]
    frame["male"] = np.array([found[image][1] for image in frame["image"]], bool)
    return frame, left_out


def red_images(table: Path) -> frozenset[str]:
    """Images whose light is red in the group's table of quality, if there is one beside a table of volumes.

    Parameters
    ----------
    table : Path
    """
    try:
        quality = pd.read_csv(table.with_name(GROUP_QC), sep="\t", keep_default_na=False, dtype=str)
        return frozenset(quality.loc[quality["light"] == "red", "image"])
    except (OSError, KeyError, ValueError):
        return frozenset()


def samples(frame: pd.DataFrame) -> Iterator[Sample]:
    """Give what norms can be fitted to: volumes, percentages of the cavity, and asymmetries of all regions.

    Parameters
    ----------
    frame : DataFrame
        As :func:`with_people` gives it.
    """
    who = frame[["image", "age", "male"]].drop_duplicates("image")
    sides = asymmetries(frame, _KEYS).merge(who, on="image")
    tables = {"volume_mm3": frame, "icv_percent": frame[frame["name"] != CAVITY], "asymmetry_percent": sides}
    for measure, table in tables.items():
        for structure, rows in table.dropna(subset=[measure]).groupby("name", sort=False):
            columns = (rows[name].to_numpy() for name in ("participant_id", "age", "male", measure))
            yield Sample(str(structure), measure, *columns)
