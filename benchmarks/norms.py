"""How true norms are, on simulated people whose centiles are known.

``python benchmarks/norms.py`` writes ``benchmarks/results/norms.tsv``, in about 40 seconds of one CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from cerebbids.files import write_text
from cerebbids.norms.cohort import Sample
from cerebbids.norms.curves import curves_of, fit_sample

PEOPLE = (60, 200, 500)
LEVELS = (5.0, 50.0, 95.0)
SAMPLES, WITH_INTERVALS = 20, 3
"""Samples of each kind, and those of them whose intervals are computed, which takes a hundred times as long."""
NEW = 2000
RESULTS = Path(__file__).parent / "results" / "norms.tsv"

Truth = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of people: years of age from and to, and the value at an age, sex and normal quantile."""

    name: str
    span: tuple[float, float]
    value: Truth
    failed: float = 0.0


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
)


def draw(kind: Kind, people: int, rng: np.random.Generator) -> Sample:
    """Draw people, evenly over ages."""
    ages, male = rng.uniform(*kind.span, people), rng.random(people) < 0.5
    values = kind.value(ages, male, rng.standard_normal(people))
    values[rng.random(people) < kind.failed] *= 0.3
    return Sample("Cerebellum", "volume_mm3", np.arange(people).astype(str), ages, male, values)


def measure(kind: Kind, people: int) -> list[str]:
    """Measure one kind and number of people: a row for each centile."""
    below, errors, covered = [], [], []
    clean = Kind(kind.name, kind.span, kind.value)
    for seed in range(SAMPLES):
        rng = np.random.default_rng([people, seed])
        sample = draw(kind, people, rng)
        model = fit_sample(sample, levels=LEVELS)
        new = draw(clean, NEW, rng)
        below.append((new.values[:, None] < model.at(new.ages, new.male)).mean(0))
        errors.append(_error(kind, model.at, new))
        if seed < WITH_INTERVALS:
            covered.append(_covered(kind, sample))
    numbers = zip(np.mean(below, 0), np.std(below, 0), np.mean(errors, 0), np.mean(covered, 0), strict=True)
    return [
        f"{kind.name}\t{people}\t{level:g}\t{100 * mean:.1f}\t{100 * sd:.1f}\t{100 * error:.1f}\t{100 * inside:.0f}"
        for level, (mean, sd, error, inside) in zip(LEVELS, numbers, strict=True)
    ]


def _truth(kind: Kind, ages: np.ndarray, male: np.ndarray) -> np.ndarray:
    return np.stack([kind.value(ages, male, np.full(len(ages), ndtri(level / 100))) for level in LEVELS], 1)


def _error(kind: Kind, at: Callable[[np.ndarray, np.ndarray], np.ndarray], new: Sample) -> np.ndarray:
    """Mean absolute error of centiles, as a share of the distance between the 5 % and 95 % centiles."""
    truth = _truth(kind, new.ages, new.male)
    return (np.abs(at(new.ages, new.male) - truth) / (truth[:, -1] - truth[:, 0])[:, None]).mean(0)


def _covered(kind: Kind, sample: Sample) -> np.ndarray:
    """Share of ages at which the 95 % interval of a centile holds the true one."""
    inside = []
    for sex, curve in curves_of(sample, 0).items():
        truth = _truth(kind, curve.ages, np.full(len(curve.ages), sex == "male"))
        places = [curve.levels.index(level) for level in LEVELS]
        known = np.isfinite(curve.values[:, places[1]])
        inside.append(((curve.low[:, places] <= truth) & (truth <= curve.high[:, places]))[known])
    return np.concatenate(inside).mean(0)


def main() -> None:
    """Measure all, and write the table."""
    rows = ["kind\tpeople\tcentile\tbelow_percent\tbelow_sd\terror_percent\tinterval_covers_percent"]
    for kind in KINDS:
        for people in PEOPLE:
            rows += measure(kind, people)
    write_text(RESULTS, "\n".join(rows) + "\n")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
