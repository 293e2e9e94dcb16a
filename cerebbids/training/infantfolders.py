"""Folders of a user's own infants: cut-out cerebella in the order of BIDS, with labels or without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.errors import BadImage, UsageError
from cerebbids.imaging.labelmaps import check_grid
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.inference.inputs import standardise_inside
from cerebbids.training.infantpatches import SIDE
from cerebbids.training.infants import TISSUES, Infant, box_around
from cerebbids.training.transfer import Cohort

ENDS = (".nii.gz", ".nii")
LABELS = ("seg-CerebellumTissue_dseg", "dseg")
"""What a label map's name ends with; the first that is there is taken."""


@dataclass(frozen=True)
class Scan:
    """Files of one image: T1w, T2w and labels as far as there are any."""

    t1w: Path
    t2w: Path | None
    labels: Path | None

    @property
    def id(self) -> str:
        """Name of the T1w image, without its ending."""
        return self.t1w.name.split(".")[0].removesuffix("_T1w")


def find_scans(folder: Path, *, labelled: bool) -> tuple[Scan, ...]:
    """Find ``sub-*/[ses-*/]anat/*_T1w.nii[.gz]``, the T2w images beside them and, if wanted, label maps.

    Label maps ``*_seg-CerebellumTissue_dseg.nii[.gz]``, else ``*_dseg.nii[.gz]``, lie beside the T1w image whose name
    they have, or anywhere else in the folder.

    Raises
    ------
    UsageError
        There is no such folder or no T1w image in it, one has no labels, or a T2w image has no T1w image.
    """
    if not folder.is_dir():
        raise UsageError(str(folder), "is no folder", "give the one that has the sub-* folders")
    t1ws, t2ws = (_images(folder, suffix) for suffix in ("T1w", "T2w"))
    for path in t2ws:
        if not _beside(path, "T2w", "T1w"):
            raise UsageError(str(path), "has no T1w image beside it", "put it there, under the same name but for T1w")
    if not t1ws:
        raise UsageError(str(folder), "has no sub-*/anat/*_T1w.nii.gz", "give a folder in the order of BIDS")
    return tuple(Scan(t1w, _beside(t1w, "T1w", "T2w"), _labels(folder, t1w) if labelled else None) for t1w in t1ws)


def _images(folder: Path, suffix: str) -> list[Path]:
    found = (folder.glob(f"{place}/*_{suffix}.nii*") for place in ("sub-*/anat", "sub-*/ses-*/anat"))
    return sorted(path for paths in found for path in paths if path.name.endswith(ENDS))


def _beside(path: Path, suffix: str, other: str) -> Path | None:
    stem = path.name.split(".")[0].removesuffix(suffix)
    return next((found for end in ENDS if (found := path.with_name(f"{stem}{other}{end}")).exists()), None)


def _labels(folder: Path, t1w: Path) -> Path:
    """Label map of a T1w image: beside it, else elsewhere in the folder."""
    stem = re.sub(r"_desc-[^_]+", "", t1w.name.split(".")[0].removesuffix("_T1w"))
    for name in (f"{stem}_{label}{end}" for label in LABELS for end in ENDS):
        if t1w.with_name(name).exists():
            return t1w.with_name(name)
        elsewhere = sorted(folder.rglob(name))
        if len(elsewhere) > 1:
            raise UsageError(str(elsewhere[0]), f"is there {len(elsewhere)} times in {folder}", "leave one of them")
        if elsewhere:
            return elsewhere[0]
    raise UsageError(str(t1w), "has no labels", f"put {stem}_{LABELS[0]}.nii.gz beside it, or give it with --target")


def read_cohorts(source: Path, targets: Sequence[Path]) -> tuple[Cohort, ...]:
    """Read a folder with labels and those without, in their order; cohorts have the folders' names.

    T2w images are used where every image of every folder has one.

    Raises
    ------
    UsageError
        Two folders have the same name, or as :func:`find_scans`.
    BadImage
        As :func:`read_infants`.
    """
    folders = [folder.resolve() for folder in (source, *targets)]
    names = [folder.name for folder in folders]
    for folder in folders:
        if names.count(folder.name) > 1:
            raise UsageError(str(folder), "has the name of another one", "name each folder after its cohort")
    found = [find_scans(folder, labelled=not place) for place, folder in enumerate(folders)]
    t2w = all(scan.t2w for scans in found for scan in scans)
    return tuple(Cohort(name, read_infants(scans, t2w=t2w)) for name, scans in zip(names, found, strict=True))


def read_infants(scans: Sequence[Scan], *, t2w: bool) -> tuple[Infant, ...]:
    """Read images and labels, with the axes as near to right, anterior, superior as they come.

    Parameters
    ----------
    scans : sequence of Scan
    t2w : bool
        Whether the T2w images are the second channel; else there is one.

    Raises
    ------
    BadImage
        As :func:`cerebbids.imaging.reading.open_image`, but that fields of view may be small; T2w image or labels lie
        on another grid than the T1w image; labels are others than 0 to 3; a T1w image is not cut out.
    """
    return tuple(_read(scan, t2w) for scan in scans)


def _read(scan: Scan, with_t2w: bool) -> Infant:
    like = open_image(scan.t1w, least_mm=0)
    t1w = _upright(scan.t1w, like)
    t2w = _upright(scan.t2w, like) if with_t2w and scan.t2w else None
    labels = _tissues(scan.labels, like) if scan.labels else None
    inside = t1w > 0
    if inside.all() or not inside.any():
        raise BadImage(str(scan.t1w), "is no cut-out cerebellum", "set everything around the cerebellum to 0")
    box = box_around(inside if labels is None else inside | (labels > 0))
    images = [standardise_inside(image, inside)[box] for image in (t1w, t2w) if image is not None]
    lacking = [(0, max(0, SIDE - size)) for size in images[0].shape]
    return Infant(
        scan.id, scan.id.split("_")[0], np.stack([np.pad(image, lacking) for image in images]),
        None if labels is None else np.pad(labels[box], lacking),
    )  # fmt: skip


def _upright(path: Path, like: nib.Nifti1Pair) -> np.ndarray:
    """Values, float32, of an image on the grid of another: axes to right, posterior, superior, as networks see them."""
    image = open_image(path, least_mm=0)
    check_grid(path, image, like)
    values = read_voxels(path, image)
    if not np.isfinite(values).all() or values.min() == values.max():
        raise BadImage(str(path), "has voxels that are no number, or all the same", "make it again")
    return nib.apply_orientation(values, nib.io_orientation(image.affine))[:, ::-1]


def _tissues(path: Path, like: nib.Nifti1Pair) -> np.ndarray:
    """Labels of tissues, uint8, likewise."""
    values = _upright(path, like)
    strange = sorted(set(np.unique(values).tolist()) - set(range(len(TISSUES) + 1)))
    if strange:
        reason = f"has other values than 0 to {len(TISSUES)} ({strange[0]:g})"
        raise BadImage(str(path), reason, "label CSF 1, grey matter 2, white matter 3, all else 0")
    return values.astype(np.uint8)
