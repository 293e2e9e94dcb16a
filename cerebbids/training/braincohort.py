"""Cohorts of painted brains, kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from cerebbids.files import atomic
from cerebbids.training.braincases import SPACING, BrainCase, painted_case
from cerebbids.training.brainmaps import BrainMap


def cohort(
    system: str, brains: tuple[BrainMap, ...], weeks: tuple[float, float], count: int, seed: int, folder: Path,
    spacing: float = SPACING,
) -> tuple[BrainCase, ...]:  # fmt: skip
    """Paint brains of evenly spread ages, or read those that are there.

    Parameters
    ----------
    system : str
        ``isointense`` or ``neonatal``.
    brains : tuple of BrainMap
    weeks : tuple of float
        Youngest and oldest postmenstrual age.
    count : int
    seed : int
        Of the cohort: two seeds have no image in common.
    folder : Path
        Gets a file an image, some megabytes each: half precision.
    spacing : float
        Edge of a voxel, mm.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ages = np.linspace(*weeks, count)
    return tuple(
        _kept(folder / f"{seed}-{place:03}.npz", system, brains, float(age), (seed, place), spacing)
        for place, age in enumerate(tqdm(ages, desc=f"{system} {seed}", disable=None))
    )


def _kept(
    path: Path, system: str, brains: tuple[BrainMap, ...], weeks: float, seed: tuple[int, int], spacing: float
) -> BrainCase:
    if not path.exists():
        case = painted_case(system, brains, weeks, seed, spacing)
        with atomic(path) as draft, open(draft, "wb") as file:
            np.savez_compressed(file, images=case.images.astype(np.float16), labels=case.labels, weeks=weeks)
    with np.load(path, allow_pickle=False) as arrays:
        if float(arrays["weeks"]) != weeks:
            raise ValueError(f"{path} is of another cohort; remove it")
        return BrainCase(path.stem, arrays["images"].astype(np.float32), arrays["labels"], weeks)
