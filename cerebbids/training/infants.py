"""Infants whose cerebellum's tissues are labelled, or not yet: cohorts of one age, and the people in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.inference.inputs import standardise_inside
from cerebbids.training.kit import N_FOLDS

TISSUES = ("CSF", "GM", "WM")
"""Labels 1, 2 and 3."""
MARGIN = 8
"""Voxels of nothing that are kept around a cut-out cerebellum."""


@dataclass(frozen=True)
class Infant:
    """One image of a cut-out cerebellum.

    Parameters
    ----------
    id : str
    person : str
        Whose anatomy it is: simulated images of one person share it.
    images : ndarray, (channels, X, Y, Z), float32
        T1w, or T1w and T2w; standardised inside the cut-out, 0 around it.
    labels : ndarray, (X, Y, Z), uint8, or None
        0 outside, 1 CSF, 2 grey and 3 white matter.
    weights : ndarray, (X, Y, Z), float32, or None
        How much each voxel's label is to be trusted, 0 to 1; ``None`` is 1 everywhere.
    """

    id: str
    person: str
    images: np.ndarray
    labels: np.ndarray | None = None
    weights: np.ndarray | None = None


def box_around(inside: np.ndarray, margin: int = MARGIN) -> tuple[slice, ...]:
    """Slices of the box around a mask, with a margin, within the array."""
    found = np.argwhere(inside)
    low, high = found.min(0) - margin, found.max(0) + 1 + margin
    return tuple(slice(max(0, a), min(b, size)) for a, b, size in zip(low, high, inside.shape, strict=True))


def kit_infants(kit: Path) -> tuple[Infant, ...]:
    """Read the labelled infants of 24 months of ``<kit>/infant/bcp24``.

    Headers of image and label map disagree there, but their arrays lie on each other, index by index; the image's
    header tells the grid. By the anatomy the second axis of the arrays runs to posterior, where it says anterior.

    Raises
    ------
    FileNotFoundError
        The kit has none.
    """
    folder = Path(kit) / "infant" / "bcp24"
    found = sorted(folder.glob("*_T1w.nii.gz"))
    if not found:
        raise FileNotFoundError(folder)
    infants = []
    for path in found:
        name = path.name.removesuffix("_T1w.nii.gz")
        t1w = np.asarray(nib.load(path).dataobj, np.float32)
        labels = np.asarray(nib.load(path.with_name(f"{name}_label.nii.gz")).dataobj).astype(np.uint8)
        inside = t1w > 0
        box = box_around(inside | (labels > 0))
        images = standardise_inside(t1w, inside)[box][None]
        infants.append(Infant(name, name, images, labels[box]))
    return tuple(infants)


def fold_of(infants: tuple[Infant, ...], folds: int = N_FOLDS) -> dict[str, int]:
    """Deal the people of a cohort to folds in the order of their names; a person's images stay together.

    There is nothing else to spread, as :func:`cerebbids.training.kit.deal_folds` spreads the older of the adults: a
    cohort is of one age.
    """
    people = sorted({infant.person for infant in infants})
    return {person: place % folds for place, person in enumerate(people)}
