"""How true norms are, on simulated people whose centiles are known.

``python benchmarks/norms.py`` writes ``benchmarks/results/norms.tsv``, in about a minute of one CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from cerebbids.files import write_text
from cerebbids.norms.cohort import Sample
from cerebbids.norms.curves import curves_of, fit_sample

LEVELS = (5.0, 50.0, 95.0)
SAMPLES, WITH_INTERVALS = 20, 3
"""Samples of each kind, and those of them whose intervals are computed, which takes a hundred times as long."""
NEW = 2000
RESULTS = Path(__file__).parent / "results" / "norms.tsv"

Truth = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Measured = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of people: years of age from and to, and the value at an age, sex and normal quantile.

    Also the numbers of people that are drawn, the share of failed images, the centiles, and whether sexes are pooled.
    """

    name: str
    span: tuple[float, float]
    value: Truth
    people: tuple[int, ...] = (60, 200, 500)
    failed: float = 0.0
    levels: tuple[float, ...] = LEVELS
    pooled: bool = False


def adults(ages: np.ndarray, male: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Volumes (cm3) that fall after 30, spread more with age and in men, and are skewed to the right."""
    middle = 120 * (1 + 0.1 * male - 0.00012 * (ages - 30) ** 2)
    return middle + 7 * np.exp(0.008 * (ages - 40)) * (1 + 0.2 * male) * (np.exp(0.3 * z) - 1) / 0.3


def children(ages: np.ndarray, male: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Volumes (cm3) that grow fast in the first two years, and in boys longer."""
    middle = (130 + 12 * male) * (1 - 0.7 * np.exp(-ages / (0.9 + 0.3 * male)))
    return middle * (1 + 0.08 * z)


KINDS = (
    Kind("adults", (18, 85), adults),
    Kind("adults, 5 % failed segmentations", (18, 85), adults, failed=0.05),
    Kind("children", (0.1, 18), children),
    Kind("adults, sexes pooled", (18, 85), adults, people=(25,), levels=(10.0, 50.0, 90.0), pooled=True),
)


def draw(kind: Kind, people: int, rng: np.random.Generator) -> Sample:
    """Draw people, evenly over ages."""
    ages, male = rng.uniform(*kind.span, people), rng.random(people) < 0.5
    values = kind.value(ages, male, rng.standard_normal(people))
    values[rng.random(people) < kind.failed] *= 0.3
    return Sample("Cerebellum", "volume_mm3", np.arange(people).astype(str), ages, male, values, kind.pooled)


def measure(kind: Kind, people: int) -> list[str]:
    """Measure one kind and number of people: a row for each centile, and where sexes are pooled for each sex, too."""
    rows = _rows(kind.name, people, kind.levels, *_measured(kind, people))
    for name, male in (("women", False), ("men", True)) if kind.pooled else ():
        rows += _rows(f"{kind.name}: {name}", people, kind.levels, *_measured(kind, people, male))
    return rows


def _measured(kind: Kind, people: int, male: bool | None = None) -> Measured:
    """Shares of new people (of a sex) below each centile, its errors, and shares of ages that its interval covers."""
    below, errors, covered = [], [], []
    clean = replace(kind, failed=0.0)
    for seed in range(SAMPLES):
        rng = np.random.default_rng([people, seed])
        sample = draw(kind, people, rng)
        model = fit_sample(sample, levels=kind.levels)
        new = draw(clean, NEW, rng)
        if male is not None:
            new = replace(new.take(new.male == male), pooled=False)
        below.append((new.values[:, None] < model.at(new.ages, new.male)).mean(0))
        errors.append(_error(kind, model.at, new))
        if seed < WITH_INTERVALS:
            covered.append(_covered(kind, sample, male))
    return np.array(below), np.array(errors), np.array(covered)


def _rows(
    name: str, people: int, levels: Sequence[float], below: np.ndarray, errors: np.ndarray, covered: np.ndarray
) -> list[str]:
    numbers = zip(below.mean(0), below.std(0), errors.mean(0), covered.mean(0), strict=True)
    return [
        f"{name}\t{people}\t{level:g}\t{100 * mean:.1f}\t{100 * sd:.1f}\t{100 * error:.1f}\t{100 * inside:.0f}"
        for level, (mean, sd, error, inside) in zip(levels, numbers, strict=True)
    ]


def _truth(kind: Kind, ages: np.ndarray, male: np.ndarray | None) -> np.ndarray:
    """Centiles of people of these sexes, or, where none are given, of as many women as men."""
    if male is not None:
        return np.stack([kind.value(ages, male, np.full(len(ages), ndtri(level / 100))) for level in kind.levels], 1)
    z = ndtri((np.arange(1000) + 0.5) / 1000)
    return np.array([
        np.quantile([kind.value(np.full(1000, age), np.full(1000, sex), z) for sex in (0.0, 1.0)],
                    np.array(kind.levels) / 100) for age in ages
    ])  # fmt: skip


def _error(kind: Kind, at: Callable[[np.ndarray, np.ndarray], np.ndarray], new: Sample) -> np.ndarray:
    """Mean absolute error of centiles, as a share of the distance between the outer ones."""
    truth = _truth(kind, new.ages, None if new.pooled else new.male)
    return (np.abs(at(new.ages, new.male) - truth) / (truth[:, -1] - truth[:, 0])[:, None]).mean(0)


def _covered(kind: Kind, sample: Sample, male: bool | None) -> np.ndarray:
    """Share of ages at which the 95 % interval of a centile holds the true one: of the curve's people, or of a sex."""
    inside = []
    for sex, curve in curves_of(sample, 0).items():
        whose = (None if sex == "both" else sex == "male") if male is None else male
        truth = _truth(kind, curve.ages, None if whose is None else np.full(len(curve.ages), whose))
        places = [curve.levels.index(level) for level in kind.levels]
        known = np.isfinite(curve.values[:, places[1]])
        inside.append(((curve.low[:, places] <= truth) & (truth <= curve.high[:, places]))[known])
    return np.concatenate(inside).mean(0)


def main() -> None:
    """Measure all, and write the table."""
    rows = ["kind\tpeople\tcentile\tbelow_percent\tbelow_sd\terror_percent\tinterval_covers_percent"]
    for kind in KINDS:
        for people in kind.people:
            rows += measure(kind, people)
    write_text(RESULTS, "\n".join(rows) + "\n")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
