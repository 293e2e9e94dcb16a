"""Images of a user's own infants in the order of BIDS, and label maps, read as networks are shown them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np

from cerebbids.errors import BadImage, UsageError
from cerebbids.imaging.along import AlongBox, box_along, mask_onto_box, onto_box
from cerebbids.imaging.labelmaps import check_grid
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.resample import blurred, resample
from cerebbids.imaging.shares import largest_share
from cerebbids.inference.inputs import standardise_inside
from cerebbids.training.supervision import UNLABELLED

ENDS = (".nii.gz", ".nii")
KNOWN = 0.25
"""Share of a voxel that has to be labelled: every second slice of 0.5 mm labels all voxels of 1 mm."""
ANY = "dseg"
"""End of the names of label maps that do not tell what their numbers mean."""
CSF, SOLID = 1, (2, 3)
"""Fluid, which is darker in every T1w image than both grey and white matter."""


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

    @property
    def person(self) -> str:
        """``sub-01``, as the name tells."""
        return self.id.split("_")[0]

    @property
    def session(self) -> str:
        """``ses-a``, as the name tells, or nothing."""
        return next((part for part in self.id.split("_") if part.startswith("ses-")), "")


@dataclass(frozen=True)
class Kind:
    """What the images that a network is to learn from have to be.

    Parameters
    ----------
    what, around : str
        What they show, and what there is nothing around, for messages.
    names : tuple of str
        What names of label maps end with; the first that is there is taken.
    classes : int
        Labels are 0 to this one.
    partly : bool
        Whether :data:`UNLABELLED` is allowed, too.
    meaning : str
        How to label, for a message.
    spacing, margin : float
        Edge of the voxels that the network is shown, and what it sees of nothing around what is shown, mm.
    """

    what: str
    around: str
    names: tuple[str, ...]
    classes: int
    partly: bool
    meaning: str
    spacing: float
    margin: float


@dataclass(frozen=True)
class Shown:
    """An image as a network is shown it, axes to right, anterior, superior.

    Parameters
    ----------
    images : ndarray, (channels, X, Y, Z), float32
        T1w, or T1w and T2w; standardised inside what is shown, 0 around it.
    within : ndarray of bool, (X, Y, Z)
        What is shown.
    labels : ndarray, (X, Y, Z), uint8, or None
        0 outside of that.
    """

    images: np.ndarray
    within: np.ndarray
    labels: np.ndarray | None


def find_scans(folder: Path, labels: tuple[str, ...] = ()) -> tuple[Scan, ...]:
    """Find ``sub-*/[ses-*/]anat/*_T1w.nii[.gz]``, the T2w images beside them and, if wanted, label maps.

    Label maps lie beside the T1w image whose name they have, but for ``desc-``, or anywhere else in the folder; those
    of which the name does not tell the labels lie beside it, as others' numbers may mean something else.

    Parameters
    ----------
    folder : Path
    labels : tuple of str
        What names of label maps end with, the ending aside; the first that is there is taken. None are looked for
        where it is empty.

    Raises
    ------
    UsageError
        There is no such folder or no T1w image in it, one has no labels, or a T2w image has no T1w image; the name of
        a file is not that of its folders, or two have the same.
    """
    if not folder.is_dir():
        raise UsageError(str(folder), "is no folder", "give the one that has the sub-* folders")
    t1ws, t2ws = (_images(folder, suffix) for suffix in ("T1w", "T2w"))
    for path in t2ws:
        if not _beside(path, "T2w", "T1w"):
            raise UsageError(str(path), "has no T1w image beside it", "put it there, under the same name but for T1w")
    if not t1ws:
        raise UsageError(str(folder), "has no sub-*/anat/*_T1w.nii.gz", "give a folder in the order of BIDS")
    _check_names(folder, t1ws)
    return tuple(
        Scan(t1w, _beside(t1w, "T1w", "T2w"), _labels(folder, t1w, labels) if labels else None) for t1w in t1ws
    )


def _check_names(folder: Path, t1ws: list[Path]) -> None:
    """People are known by the names of the files: so these have to be right."""
    taken: dict[str, Path] = {}
    for path in t1ws:
        folders = [*path.relative_to(folder).parts[:-2]]
        if path.name.split("_")[: len(folders)] != folders:
            start = "_".join(folders)
            raise UsageError(str(path), f"has a name that does not begin with {start}_", "rename it as its folders")
        if (other := taken.setdefault(path.name.split(".")[0], path)) != path:
            raise UsageError(str(path), f"has the name of {other.name}", "leave one of them")


def _images(folder: Path, suffix: str) -> list[Path]:
    found = (folder.glob(f"{place}/*_{suffix}.nii*") for place in ("sub-*/anat", "sub-*/ses-*/anat"))
    return sorted(path for paths in found for path in paths if path.name.endswith(ENDS))


def _beside(path: Path, suffix: str, other: str) -> Path | None:
    stem = path.name.split(".")[0].removesuffix(suffix)
    return next((found for end in ENDS if (found := path.with_name(f"{stem}{other}{end}")).exists()), None)


def _labels(folder: Path, t1w: Path, names: tuple[str, ...]) -> Path:
    """Label map of a T1w image: beside it, else elsewhere in the folder."""
    stem = re.sub(r"_desc-[^_]+", "", t1w.name.split(".")[0].removesuffix("_T1w"))
    for label, name in ((label, f"{stem}_{label}{end}") for label in names for end in ENDS):
        if t1w.with_name(name).exists():
            return t1w.with_name(name)
        elsewhere = [] if label == ANY else sorted(folder.rglob(name))
        if len(elsewhere) > 1:
            raise UsageError(str(elsewhere[0]), f"is there {len(elsewhere)} times in {folder}", "leave one of them")
        if elsewhere:
            return elsewhere[0]
    raise UsageError(str(t1w), "has no labels", f"put {stem}_{names[0]}.nii.gz beside it, or leave the image out")


def read_scan(scan: Scan, kind: Kind, *, t2w: bool) -> Shown:
    """Read an image and its labels on even voxels along its own axes, as the app shows it to networks.

    Parameters
    ----------
    scan : Scan
    kind : Kind
    t2w : bool
        Whether the T2w image is the second channel; else there is one.

    Raises
    ------
    BadImage
        As :func:`cerebbids.imaging.reading.open_image`, but that fields of view may be small; T2w image or labels lie
        on another grid than the T1w image; labels are others than the kind's, or none where something is shown; what
        they call fluid is not darker than grey and white matter; nothing was cut away around what the T1w image shows.
    """
    like = open_image(scan.t1w, least_mm=0)
    images = [_read(path, like) for path in (scan.t1w, *((scan.t2w,) if t2w and scan.t2w else ()))]
    inside = np.asarray(images[0].dataobj) > 0
    if inside.all() or not inside.any():
        raise BadImage(str(scan.t1w), f"is no {kind.what}", f"set everything around the {kind.around} to 0")
    box = box_along(images[0], inside, kind.spacing, kind.margin)
    within = mask_onto_box(inside, like.affine, box)
    seen = np.stack([standardise_inside(onto_box(image, box), within) for image in images])
    labels = _read_labels(scan, kind, like, np.asarray(images[0].dataobj), box) if scan.labels else None
    return Shown(seen, within, None if labels is None else np.where(within, labels, 0).astype(np.uint8))


def _read(path: Path, like: nib.Nifti1Pair) -> nib.Nifti1Image:
    """Values, float32, of an image on the grid of another."""
    image = open_image(path, least_mm=0)
    check_grid(path, image, like)
    values = read_voxels(path, image)
    if not np.isfinite(values).all() or values.min() == values.max():
        raise BadImage(str(path), "has voxels that are no number, or all the same", "make it again")
    return nib.Nifti1Image(values, like.affine)


def _read_labels(scan: Scan, kind: Kind, like: nib.Nifti1Pair, t1w: np.ndarray, box: AlongBox) -> np.ndarray:
    """Labels of what an image (its values, and where they lie) shows, uint8, on a box."""
    values, inside = np.asarray(_read(scan.labels, like).dataobj), t1w > 0
    known = range(kind.classes + 1)
    strange = sorted({*np.unique(values).tolist()} - {*known} - ({UNLABELLED} if kind.partly else set()))
    if strange:
        reason = f"has other values than 0 to {kind.classes} ({strange[0]:g})"
        raise BadImage(str(scan.labels), reason, kind.meaning)
    if not np.isin(values[inside], known[1:]).any():
        raise BadImage(str(scan.labels), f"labels nothing of what {scan.t1w.name} shows", kind.meaning)
    masks = {value: inside & (values == value) for value in (CSF, *SOLID)}
    means = {value: t1w[mask].mean() for value, mask in masks.items() if mask.any()}
    if CSF in means and any(means[CSF] >= means[value] for value in SOLID if value in means):
        reason = f"calls fluid ({CSF}) what is brighter in {scan.t1w.name} than grey or white matter"
        raise BadImage(str(scan.labels), reason, kind.meaning)
    return labels_onto_box(values.astype(np.uint8), inside, like.affine, box)


def labels_onto_box(labels: np.ndarray, inside: np.ndarray, affine: np.ndarray, box: AlongBox) -> np.ndarray:
    """Sample labels on a box, uint8: in every voxel the one that has the largest share of it.

    Shares are blurred as the image is where the box is coarser. So a thin layer keeps the voxels that are mostly of it,
    where the nearest voxel's label would be a matter of chance. Of a voxel of which somebody has labelled a quarter,
    that part decides; of which less, nothing is known.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z), uint8
        ``UNLABELLED`` where nobody has labelled anything.
    inside : ndarray of bool, (X, Y, Z)
        Where labels count; all else is 0, and has no share.
    affine : ndarray, (4, 4)
        Of their grid.
    box : AlongBox

    Examples
    --------
    >>> labels = np.zeros((6, 2, 2), np.uint8)
    >>> labels[2:4], labels[4:] = 7, UNLABELLED
    >>> box = AlongBox((3, 1, 1), np.array([[1, 0, 0, 0.25], [0, 1, 0, 0.25], [0, 0, 1, 0.25], [0, 0, 0, 1.0]]))
    >>> labels_onto_box(labels, labels < 256, np.diag([0.5, 0.5, 0.5, 1]), box).ravel().tolist()
    [0, 7, 255]
    """
    spacing = float(np.linalg.norm(box.affine[:3, :3], axis=0).max())

    def share(mask: np.ndarray, order: Literal[0, 1] = 1) -> np.ndarray:
        image = nib.Nifti1Image((mask & inside).astype(np.float32), affine)
        return np.asarray(resample(blurred(image, spacing), box.shape, box.affine, order=order).dataobj)

    known = [value for value in np.unique(labels[inside]) if value != UNLABELLED]
    found, most = largest_share((value, share(labels == value)) for value in known)
    found[most <= 0] = 0
    if (labels[inside] == UNLABELLED).any():
        # No share is taken from the next slice, where slices are as thick as the box's voxels or thicker.
        found[share(labels != UNLABELLED, 0) < KNOWN * share(labels >= 0, 0)] = UNLABELLED
    return found
