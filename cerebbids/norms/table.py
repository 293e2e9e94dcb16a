"""The open table of norms: centiles by structure, sex and age, and the JSON file beside it."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from cerebbids.bids.ages import from_conception, years_of
from cerebbids.bids.names import SCHEMES, sidecar_path
from cerebbids.errors import UsageError
from cerebbids.files import as_json, write_text

LEVELS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0)
"""Centiles that are written, as far as there are people enough for them."""
MEASURES = {"volume_mm3": "mm^3", "icv_percent": "%", "asymmetry_percent": "%"}
"""What norms are of, named as in the tables of volumes, and its unit."""
SEXES = ("female", "male", "both")

CEREBELLUM_MM3, PART_MM3 = (5e3, 5e5), (10.0, 5e6)
"""Between what a cerebellum and any other region lies in the middle, newborn or adult, with room."""

_KEYS = ("structure", "measure", "unit", "sex", "age", "n")
_LMS = ("l", "m", "s")
_UNITS = {"mm^3": 1.0, "mm3": 1.0, "cm^3": 1000.0, "cm3": 1000.0, "ml": 1000.0, "%": 1.0}


@dataclass(frozen=True)
class Curve:
    """Centiles of one structure, measure and sex over age.

    Parameters
    ----------
    ages : ndarray, (A,)
        Years, ascending.
    levels : tuple of float, (L,)
        Percent, ascending.
    values : ndarray, (A, L)
        Centiles in the unit of the measure; NaN at ages that have none.
    low, high : ndarray, (A, L)
        95 % interval of each centile; NaN where the table tells none.
    n : ndarray of int, (A,)
        People behind the row.
    """

    ages: np.ndarray
    levels: tuple[float, ...]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class Norms:
    """A table of norms.

    Parameters
    ----------
    scheme : str
        Label scheme whose volumes may be held against it.
    source : str
        Where the people come from.
    curves : dict of (str, str, str) to Curve
        By structure, measure and sex.
    """

    scheme: str
    source: str
    curves: Mapping[tuple[str, str, str], Curve]


def read_norms(path: Path) -> Norms:
    """Read a table and its sidecar.

    Parameters
    ----------
    path : Path
        TSV with the columns structure, measure (one of `MEASURES`), unit, sex (female, male or both), age, n, and
        either centiles (p5, p95, ..., with p5_low and p5_high where their uncertainty is known) or the parameters of
        the LMS method (l, m, s). The JSON file beside it tells Scheme, Source, and the Units of age (else years).

    Raises
    ------
    UsageError
        A file is missing or damaged; the unit of a volume or of the ages is unknown; centiles cross.

    Notes
    -----
    Centile z of the LMS method is ``M (1 + L S z)^(1/L)``, or ``M exp(S z)`` where L is 0 (Cole and Green 1992,
    Stat Med 11:1305).
    """
    described = _sidecar(path)
    years = _years(path, described)
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t"))
    except (ValueError, csv.Error) as error:
        raise _wrong(path, "is no table") from error
    header = [name for name in rows[0] if name] if rows else []
    if lacking := [key for key in _KEYS if key not in header]:
        raise _wrong(path, f"has no rows, or no column {lacking[0]}")
    has_lms = set(_LMS) <= set(header)
    centiles = _centile_columns(header)
    if not has_lms and (len(centiles) < 2 or not all(0 < level < 100 for level in centiles)):
        raise _wrong(path, "has neither columns p5, p95, ... nor l, m, s")
    try:
        curves = {key: _curve(group, {} if has_lms else centiles, years) for key, group in _grouped(path, rows).items()}
    except (ValueError, KeyError, OverflowError) as error:
        raise _wrong(path, f"is damaged ({error})") from error
    return Norms(str(described.get("Scheme", "")), str(described.get("Source", "not told")), curves)


def write_norms(norms: Norms, path: Path, described: Mapping[str, Any]) -> None:
    """Write a table and its sidecar, each atomically.

    Parameters
    ----------
    norms : Norms
    path : Path
    described : dict
        What the sidecar says beside the columns.
    """
    columns = [f"p{level:g}{end}" for level in LEVELS for end in ("", "_low", "_high")]
    lines = ["\t".join((*_KEYS, *columns))]
    for (structure, measure, sex), curve in norms.curves.items():
        for k, age in enumerate(curve.ages):
            numbers: dict[str, float] = {}
            for j, level in enumerate(curve.levels):
                cells = (curve.values[k, j], curve.low[k, j], curve.high[k, j])
                numbers |= {f"p{level:g}{end}": x for end, x in zip(("", "_low", "_high"), cells, strict=True)}
            keys = (structure, measure, MEASURES[measure], sex, f"{age:.4f}", str(int(curve.n[k])))
            lines.append("\t".join((*keys, *(_cell(numbers.get(name, math.nan)) for name in columns))))
    write_text(path, "\n".join(lines) + "\n")
    told = {"Scheme": norms.scheme, "Source": norms.source, **described, **_columns()}
    write_text(sidecar_path(path), as_json(told))


def _columns() -> dict[str, Any]:
    centile = "Centile of the people's values at this age and sex, in the row's unit"
    return {
        "structure": {"Description": "Region, named as in tables of volumes"},
        "measure": {
            "Description": "Column of a table of volumes or of asymmetry",
            "Levels": dict.fromkeys(MEASURES, ""),
        },
        "unit": {"Description": "Unit of the row's centiles"},
        "sex": {"Description": "Sex of the people", "Levels": dict.fromkeys(SEXES, "")},
        "age": {"Description": "Age since birth", "Units": "year"},
        "n": {"Description": "People of this sex, or of both, whose values were used, at all ages"},
        **{f"p{level:g}": {"Description": f"{level:g} %: {centile}; n/a where it is not known"} for level in LEVELS},
        **{
            f"p{level:g}_{end}": {"Description": f"{side} end of the 95 % interval of p{level:g}"}
            for level in LEVELS
            for end, side in (("low", "Lower"), ("high", "Upper"))
        },
    }


def _grouped(path: Path, rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, str, str], list[Mapping[str, str]]]:
    """Rows of each curve, by structure, measure and sex."""
    groups: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        if None in row or None in row.values() or row["sex"] not in SEXES or row["measure"] not in MEASURES:
            reason = "is damaged: a cell is missing or too many, or sex or measure is none"
            raise _wrong(path, f"{reason} ({row['structure']})")
        groups.setdefault((row["structure"], row["measure"], row["sex"]), []).append(row)
    return groups


def _centile_columns(header: Sequence[str]) -> dict[float, str]:
    """Columns of centiles by these, ascending.

    Examples
    --------
    >>> _centile_columns(["age", "p95", "p2.5", "p2.5_low"])
    {2.5: 'p2.5', 95.0: 'p95'}
    """
    named = (name for name in header if re.fullmatch(r"p\d+(\.\d+)?", name))
    return dict(sorted((float(name[1:]), name) for name in named))


def _curve(rows: Sequence[Mapping[str, str]], columns: Mapping[float, str], years: float) -> Curve:
    """Read the rows of one curve, by the parameters of the LMS method where there are no columns of centiles."""
    unit = {row["unit"].strip() for row in rows}
    factor = _UNITS.get(unit.pop().lower()) if len(unit) == 1 else None
    if factor is None or (rows[0]["measure"] == "volume_mm3") == (rows[0]["unit"].strip() == "%"):
        raise ValueError(f"unit {rows[0]['unit']!r} of {rows[0]['structure']} is not one for its measure")
    rows = sorted(rows, key=lambda row: float(row["age"]))
    ages = np.array([float(row["age"]) for row in rows]) * years
    if (np.diff(ages) <= 0).any() or not np.isfinite(ages).all():
        raise ValueError(f"{rows[0]['structure']} has two rows for an age, or one without")
    levels = tuple(columns) or LEVELS
    if columns:
        values, low, high = (
            factor * np.array([[_number(row.get(f"{name}{end}")) for name in columns.values()] for row in rows])
            for end in ("", "_low", "_high")
        )
    else:
        values = factor * _lms(rows, levels)
        low = high = np.full(values.shape, np.nan)
    steps = [np.diff(row[np.isfinite(row)]) for row in values]
    if any((step < 0).any() for step in steps):
        raise ValueError(f"centiles of {rows[0]['structure']} cross")
    people = np.array([int(float(row["n"])) for row in rows])
    if (people < 1).any() or (low > values).any() or (high < values).any():
        raise ValueError(f"{rows[0]['structure']} has nobody (n), or a centile outside of its interval")
    if rows[0]["measure"] == "volume_mm3":
        _check_size(rows[0]["structure"], values)
    return Curve(ages, levels, values, low, high, people)


def _check_size(structure: str, mm3: np.ndarray) -> None:
    """Refuse volumes that nobody has: their unit is another one than is told."""
    low, high = CEREBELLUM_MM3 if structure == "Cerebellum" else PART_MM3
    known = mm3[np.isfinite(mm3)]
    if known.size and not low <= np.median(known) <= high:
        raise ValueError(f"its {structure} has {np.median(known):g} mm^3, if the unit is as told, which nobody has")


def _lms(rows: Iterable[Mapping[str, str]], levels: Sequence[float]) -> np.ndarray:
    z = ndtri(np.array(levels) / 100)
    found = []
    for row in rows:
        power, median, spread = (_number(row[key]) for key in _LMS)
        if abs(power) < 1e-9:
            found.append(median * np.exp(spread * z))
        else:
            base = 1 + power * spread * z
            found.append(median * np.where(base > 0, base, np.nan) ** (1 / power))
    return np.array(found)


def _number(cell: str | None) -> float:
    return math.nan if cell is None or cell.strip().lower() in ("", "n/a") else float(cell)


def _cell(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "n/a"


def _years(path: Path, described: Mapping[str, Any]) -> float:
    """Years of the unit of ages."""
    about = described.get("age")
    about = about if isinstance(about, Mapping) else {}
    if from_conception(about):
        raise _wrong(sidecar_path(path), "tells ages from conception", "give them since birth")
    unit = str(about.get("Units", "year"))
    if (years := years_of(unit)) is None:
        raise _wrong(sidecar_path(path), f"tells ages in {unit!r}", "give them in years, months, weeks or days")
    return years


def _sidecar(path: Path) -> Mapping[str, Any]:
    beside = sidecar_path(path)
    try:
        described = json.loads(beside.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise _wrong(path, f"has no {beside.name} beside it", "write one that tells Scheme and Source") from error
    except ValueError as error:
        raise _wrong(beside, "is no JSON") from error
    if not isinstance(described, Mapping) or described.get("Scheme") not in SCHEMES:
        schemes = ", ".join(SCHEMES)
        raise _wrong(
            beside, "tells no Scheme that is known", f'add "Scheme", whose volumes the norms are of: {schemes}'
        )
    return described


def _wrong(path: Path, reason: str, mend: str = "mend it after docs/norms.md") -> UsageError:
    return UsageError(str(path), reason, mend)
