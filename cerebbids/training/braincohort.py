"""Cohorts of painted brains, kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from cerebbids.errors import UsageError
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

    Returns
    -------
    tuple of BrainCase
        One of each age, the youngest first.

    Raises
    ------
    UsageError
        An image that is there is of another system, age or spacing, or was painted from other brains.
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
    told = {"system": system, "weeks": weeks, "spacing": spacing, "brains": [brain.head.name for brain in brains]}
    if not path.exists():
        case = painted_case(system, brains, weeks, seed, spacing)
        with atomic(path) as draft, open(draft, "wb") as file:
            np.savez_compressed(file, images=case.images.astype(np.float16), labels=case.labels, **told)
    with np.load(path, allow_pickle=False) as arrays:
        other = [name for name, value in told.items() if name not in arrays or arrays[name].tolist() != value]
        if other:
            raise UsageError(str(path), f"holds an image of another cohort ({', '.join(other)})", "remove the file")
        return BrainCase(path.stem, arrays["images"].astype(np.float32), arrays["labels"], weeks)
