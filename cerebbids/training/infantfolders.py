"""Folders of a user's own infants: cut-out cerebella in the order of BIDS, with labels or without."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cerebbids.errors import UsageError
from cerebbids.inference.tissues import MARGIN, SPACING
from cerebbids.training.infantpatches import SIDE
from cerebbids.training.infants import TISSUES, Infant
from cerebbids.training.scans import Kind, Scan, find_scans, read_scan
from cerebbids.training.transfer import Cohort

CUT_OUT = Kind(
    "cut-out cerebellum", "cerebellum", ("seg-CerebellumTissue_dseg", "dseg"), len(TISSUES), False,
    "label CSF 1, grey matter 2, white matter 3, all else 0", SPACING, MARGIN,
)  # fmt: skip


def read_cohorts(source: Path, targets: Sequence[Path]) -> tuple[Cohort, ...]:
    """Read a folder with labels and those without, in their order; cohorts have the folders' names.

    T2w images are used where every image of every folder has one.

    Raises
    ------
    UsageError
        Two folders have the same name, or as :func:`cerebbids.training.scans.find_scans`.
    BadImage
        As :func:`read_infants`.
    """
    folders = [own_name(folder) for folder in (source, *targets)]
    names, places = [folder.name for folder in folders], [folder.resolve() for folder in folders]
    for folder in folders:
        if names.count(folder.name) > 1 or places.count(folder.resolve()) > 1:
            raise UsageError(str(folder), "has the name of another one, or is the same", "name each after its cohort")
    found = [find_scans(folder, () if place else CUT_OUT.names) for place, folder in enumerate(folders)]
    t2w = all(scan.t2w for scans in found for scan in scans)
    return tuple(Cohort(name, read_infants(scans, t2w=t2w)) for name, scans in zip(names, found, strict=True))


def own_name(folder: Path) -> Path:
    """A folder by its own name, not by that of what it may be a link to: the name tells the age."""
    return Path(os.path.normpath(folder.absolute()))


def read_infants(scans: Sequence[Scan], *, t2w: bool) -> tuple[Infant, ...]:
    """Read images and labels on voxels of 0.8 mm, with the axes as near to right, posterior, superior as they come.

    Parameters
    ----------
    scans : sequence of Scan
    t2w : bool
        Whether the T2w images are the second channel; else there is one.

    Raises
    ------
    BadImage
        As :func:`cerebbids.training.scans.read_scan`.
    """
    return tuple(_read(scan, t2w) for scan in scans)


def _read(scan: Scan, with_t2w: bool) -> Infant:
    found = read_scan(scan, CUT_OUT, t2w=with_t2w)
    lacking = [(0, max(0, SIDE - size)) for size in found.within.shape]
    images = np.stack([np.pad(image[:, ::-1], lacking) for image in found.images])
    labels = None if found.labels is None else np.pad(found.labels[:, ::-1], lacking)
    return Infant(scan.id, scan.person, images, labels)
