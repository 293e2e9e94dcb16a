"""Quality of a segmentation in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.faces import at_field_edge

Metrics = dict[str, float | int | bool | None]

CLOSING_MM = 6.0
"""Radius with which gaps in the cerebellum are closed before fluid is looked for in it."""
RIM_MM = 4.0
"""Depth below that surface where fluid is usual: cisterns and wide fissures."""
PIECE = 0.01
"""Size from which on a piece of the cerebellum counts, in parts of the whole."""
SURFACE_MM = 3.0
"""Depth to which the sides of a healthy cerebellum differ."""


def measure_quality(
    dseg: nib.Nifti1Image,
    dseg_mni: nib.Nifti1Image,
    carved: nib.Nifti1Image,
    t1w: nib.Nifti1Image,
    facts: Mapping[str, Any],
    t1w_to_mni: np.ndarray,
) -> Metrics:
    """Measure a segmentation.

    Parameters
    ----------
    dseg, dseg_mni : Nifti1Image
        Labels of ``seg-Lobules`` on the grid of the T1w image, and on that of the template.
    carved : Nifti1Image
        Labels of ``seg-DeepCERES`` on the grid of the T1w image.
    t1w : Nifti1Image
        Clean, on the grid of ``dseg``.
    facts : mapping
        What the networks' process says (``predict.json``), and ``snr``; numbers that are not known are ``None``.
    t1w_to_mni : ndarray, (4, 4)
        World of the T1w image -> that of the template, mm.

    Returns
    -------
    dict
        Keys of :data:`cerebbids.imaging.qc.DEFINITIONS`.
    """
    labels, tissue = np.asarray(dseg.dataobj), np.asarray(carved.dataobj) > 0
    left, right = (_share(tissue, (labels > 0) & ((labels > 100) == side)) for side in (False, True))
    return {
        **told_by_networks(facts),
        "labels_missing": int(np.setdiff1d(load_scheme(COMPARTMENTS).indices, labels).size),
        "labels_in_pieces": labels_in_pieces(labels),
        "pieces": pieces(labels > 0),
        "volume_mni_cm3": round(volume_cm3(dseg_mni), 1),
        "one_sided_mm3": round(one_sided(dseg_mni), 1),
        "tissue_share": round(_share(tissue, labels > 0), 4),
        "tissue_asymmetry": round(abs(left - right), 4),
        "fluid_core_mm3": round(fluid_core(labels > 0, t1w, facts["tissues"]), 1),
        "lowest_mm": lowest(labels, t1w_to_mni @ dseg.affine),
        "snr": facts.get("snr"),
        "at_field_edge": at_field_edge(labels, t1w),
        "sides_swapped": sides_swapped(labels, dseg.affine),
    }


def told_by_networks(facts: Mapping[str, Any]) -> Metrics:
    """Numbers that need neither image nor labels: how sure the networks are, and how far they agree.

    Parameters
    ----------
    facts : mapping
        ``confidence`` of each label, 0 of an absent one; ``between_nets``, ``with_quick``, ``with_atlas`` where known.
    """
    sure = [share for share in facts["confidence"].values() if share]
    return {
        "confidence_mean": round(float(np.mean(sure)), 4) if sure else None,
        "confidence_least": min(sure, default=None),
        "nets_dice": facts.get("between_nets"),
        "quick_dice": facts.get("with_quick"),
        "atlas_dice": facts.get("with_atlas"),
    }


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(np.count_nonzero(part & whole) / max(np.count_nonzero(whole), 1))


def labels_in_pieces(labels: np.ndarray) -> int:
    """How many labels have less than nine tenths of their voxels in one piece (corners connect).

    Examples
    --------
    >>> labels_in_pieces(np.array([1, 1, 0, 1, 2, 2]))
    1
    """
    everywhere = np.ones((3,) * labels.ndim)
    count = 0
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        if box is not None:
            sizes = np.bincount(ndimage.label(labels[box] == label, everywhere)[0].ravel())[1:]
            count += bool(sizes.max() < 0.9 * sizes.sum())
    return count


def pieces(mask: np.ndarray) -> int:
    """How many pieces of a mask have ``PIECE`` of it or more."""
    sizes = np.bincount(ndimage.label(mask)[0].ravel())[1:]
    return int((sizes >= PIECE * sizes.sum()).sum())


def volume_cm3(dseg: nib.Nifti1Image) -> float:
    """Volume (cm3) of all labels of a map, in the world of its affine."""
    return float(np.count_nonzero(dseg.dataobj) * abs(np.linalg.det(dseg.affine[:3, :3])) / 1000)


def one_sided(dseg_mni: nib.Nifti1Image) -> float:
    """Volume (mm3) of the largest piece, without its outer ``SURFACE_MM``, of what one side has and the other lacks.

    Parameters
    ----------
    dseg_mni : Nifti1Image
        Labels on a grid whose first axis runs across, and in whose middle left and right meet.
    """
    mask = np.asarray(dseg_mni.dataobj) > 0
    lacking = mask[::-1] & ~mask  # both sides in one: what is lacking here is there in the mirror
    box = ndimage.find_objects(lacking.astype(np.uint8))
    if not box:
        return 0.0
    zooms = np.linalg.norm(dseg_mni.affine[:3, :3], axis=0)
    deep = ndimage.distance_transform_edt(np.pad(lacking[box[0]], 1), zooms) > SURFACE_MM
    largest = np.bincount(ndimage.label(deep)[0].ravel())[1:].max(initial=0)
    return float(largest * np.prod(zooms))


def fluid_core(cerebellum: np.ndarray, t1w: nib.Nifti1Image, tissues: Mapping[str, float]) -> float:
    """Volume (mm3) of the largest piece of what is as dark as fluid, deep inside of the closed cerebellum.

    Parameters
    ----------
    cerebellum : ndarray of bool, (X, Y, Z)
    t1w : Nifti1Image
        Clean, on the same grid.
    tissues : mapping
        ``csf`` and ``gm``: means of fluid and grey matter in the image.
    """
    zooms = np.linalg.norm(t1w.affine[:3, :3], axis=0)
    box = ndimage.find_objects(cerebellum.astype(np.uint8))
    if not box:
        return 0.0
    room = [int(np.ceil(CLOSING_MM / zoom)) + 1 for zoom in zooms]
    inside = np.pad(cerebellum[box[0]], [(r, r) for r in room])
    closed = ndimage.distance_transform_edt(~inside, zooms) <= CLOSING_MM
    closed = ndimage.distance_transform_edt(closed, zooms) > CLOSING_MM
    deep = ndimage.distance_transform_edt(closed | inside, zooms) > RIM_MM
    image = np.asarray(t1w.dataobj[box[0]], dtype=np.float32)
    dark = np.zeros(inside.shape, bool)
    dark[tuple(slice(r, -r) for r in room)] = image < (tissues["csf"] + tissues["gm"]) / 2
    found, count = ndimage.label(dark & deep)
    largest = np.bincount(found.ravel())[1:].max(initial=0)
    return float(largest * abs(np.linalg.det(t1w.affine[:3, :3])))


def lowest(labels: np.ndarray, to_mni: np.ndarray) -> float | None:
    """Height (mm) above which all but a hundredth of the labels lie, in the template's space; none of no labels.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z)
        On the image's own grid: that of the template may end above.
    to_mni : ndarray, (4, 4)
        Voxels of that grid -> the template's world, mm.
    """
    heights = nib.affines.apply_affine(to_mni, np.argwhere(labels))[:, 2]
    return round(float(np.quantile(heights, 0.01)), 1) if heights.size else None


def sides_swapped(labels: np.ndarray, affine: np.ndarray) -> bool:
    """Whether left labels (1-99) lie, in the world of an affine, on the right of right ones (100 and more)."""
    centres = [
        np.argwhere(side).mean(0) if side.any() else None for side in ((labels > 0) & (labels < 100), labels > 99)
    ]
    if centres[0] is None or centres[1] is None:
        return False
    left, right = (nib.affines.apply_affine(affine, centre)[0] for centre in centres)
    return bool(left > right)
