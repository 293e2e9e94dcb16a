"""Quality of a segmentation in numbers, and a traffic light: what nobody may take unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.faces import touches_face

Metrics = dict[str, float | int | bool | None]

CLOSING_MM = 6.0
"""Radius with which gaps in the cerebellum are closed before fluid is looked for in it."""
RIM_MM = 4.0
"""Depth below that surface where fluid is usual: cisterns and wide fissures."""
PIECE = 0.01
"""Size from which on a piece of the cerebellum counts, in parts of the whole."""

DEFINITIONS = {
    "confidence_mean": "mean probability of the labels over the voxels that got them, mean of all labels",
    "confidence_least": "the same of the label with the least",
    "nets_dice": "mean Dice of labels that the two kinds of network of the cascade name alone",
    "quick_dice": "mean Dice of labels that the cascade and the network at 1 mm name alone",
    "atlas_dice": "mean Dice of the labels and those most voted for in the subject's atlas",
    "labels_missing": "labels of the scheme without a voxel",
    "labels_in_pieces": "labels whose largest piece has less than nine tenths of them",
    "pieces": "pieces of the cerebellum that have a hundredth of it or more",
    "tissue_share": "share of the lobules and white matter that is no fluid",
    "tissue_asymmetry": "difference of that share between the sides",
    "fluid_core_mm3": "largest piece of fluid deep inside of the closed cerebellum, mm3",
    "lowest_mm": "height of the lowest hundredth of the cerebellum in the template's space, mm",
    "at_field_edge": "whether the cerebellum reaches the end of the field of view",
    "sides_swapped": "whether left labels lie on the right of right ones",
}
"""What each number says, in the order of the file."""
OF_NETWORKS = ("confidence_mean", "confidence_least", "nets_dice", "quick_dice", "atlas_dice")
"""Numbers that the networks' process gives: no correction by hand changes them."""
_BEFORE = "before labels were corrected by hand"


@dataclass(frozen=True)
class Rule:
    """Where a number is suspicious, and where it cannot be trusted.

    Parameters
    ----------
    metric : str
    yellow, red : float
        Limits: beyond, it is flagged so. Where red is above yellow large numbers are bad, else small ones.
    sentence : str
        With ``{value}``.
    """

    metric: str
    yellow: float
    red: float
    sentence: str

    def light(self, value: float) -> str:
        """``green``, ``yellow`` or ``red``; what is no number is red.

        Examples
        --------
        >>> rule = Rule("share", 0.8, 0.6, "")
        >>> rule.light(0.9), rule.light(0.7), rule.light(0.5)
        ('green', 'yellow', 'red')
        """
        sign = 1 if self.red > self.yellow else -1
        if not sign * value <= sign * self.red:
            return "red"
        return "yellow" if sign * value > sign * self.yellow else "green"


RULES = (
    Rule("confidence_mean", 0.75, 0.60, "The labels are not sure (mean probability {value:.2f})."),
    Rule("confidence_least", 0.45, 0.25, "One label is hardly more than a guess (mean probability {value:.2f})."),
    Rule("nets_dice", 0.80, 0.65, "The networks of the cascade disagree about the labels (Dice {value:.2f})."),
    Rule("quick_dice", 0.70, 0.55, "Cascade and network at 1 mm disagree about the labels (Dice {value:.2f})."),
    Rule("atlas_dice", 0.65, 0.50, "The labels are not where the most similar cerebella have them (Dice {value:.2f})."),
    Rule("labels_missing", 0, 3, "Labels of the scheme that were not found: {value:.0f}."),
    Rule("labels_in_pieces", 2, 8, "Labels that lie in pieces: {value:.0f}."),
    Rule("pieces", 1, 3, "The cerebellum lies in {value:.0f} pieces."),
    Rule("tissue_share", 0.60, 0.40, "Only {value:.0%} of the cerebellum is tissue: atrophy, or something is missing."),
    Rule("tissue_asymmetry", 0.10, 0.25, "The share of tissue differs by {value:.0%} between the sides."),
    Rule("fluid_core_mm3", 1500, 6000, "There are {value:.0f} mm3 of fluid in one piece inside: a lesion, or a cyst?"),
    Rule("lowest_mm", -68.0, -71.5, "The cerebellum reaches far down ({value:.0f} mm): do the tonsils descend?"),
    Rule("at_field_edge", 0.5, 2, "The cerebellum reaches the end of the field of view."),
    Rule("sides_swapped", 0.4, 0.5, "Left labels lie on the right of right ones."),
)  # fmt: skip
"""First limits (the template's space ends at -72 mm), to be held against ``benchmarks/qc.py``: images as they
are, and simulated failures."""


def light_of(metrics: Mapping[str, Any], *, corrected: bool = False) -> tuple[str, tuple[str, ...]]:
    """Traffic light of a segmentation, and a sentence for every number that is not green, the red ones first.

    Where labels were corrected by hand, the sentences about numbers of the networks say that these are older.

    Examples
    --------
    >>> light_of({"pieces": 2, "nets_dice": None})
    ('yellow', ('The cerebellum lies in 2 pieces.',))
    """
    found = list(_flags(metrics, corrected))
    sentences = [text for shade in ("red", "yellow") for light, text in found if light == shade]
    lights = {light for light, _ in found}
    return ("red" if "red" in lights else "yellow" if lights else "green"), tuple(sentences)


def _flags(metrics: Mapping[str, Any], corrected: bool) -> Iterator[tuple[str, str]]:
    for rule in RULES:
        value = metrics.get(rule.metric)
        if value is not None and (light := rule.light(float(value))) != "green":
            older = f" So it was {_BEFORE}." if corrected and rule.metric in OF_NETWORKS else ""
            yield light, rule.sentence.format(value=float(value)) + older


def quality_report(metrics: Metrics, *, corrected: bool = False) -> dict[str, Any]:
    """Numbers, traffic light, flags and what the numbers say, as ``_qc.json`` has them.

    Parameters
    ----------
    metrics : dict
        As :func:`measure_quality` gives them.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them.
    """
    light, flags = light_of(metrics, corrected=corrected)
    older = {key: f"{DEFINITIONS[key]}, {_BEFORE}" for key in OF_NETWORKS if corrected}
    return {"light": light, "flags": list(flags), **metrics, "definitions": DEFINITIONS | older}


def measure_quality(
    dseg: nib.Nifti1Image,
    dseg_mni: nib.Nifti1Image,
    carved: nib.Nifti1Image,
    t1w: nib.Nifti1Image,
    facts: Mapping[str, Any],
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
        What the networks' process says (``predict.json``); numbers that it does not know are ``None``.

    Returns
    -------
    dict
        Keys of ``DEFINITIONS``.
    """
    labels, tissue = np.asarray(dseg.dataobj), np.asarray(carved.dataobj) > 0
    sure = [share for share in facts["confidence"].values() if share]  # that of an absent label is 0
    left, right = (_share(tissue, (labels > 0) & ((labels > 100) == side)) for side in (False, True))
    return {
        "confidence_mean": round(float(np.mean(sure)), 4) if sure else None,
        "confidence_least": min(sure, default=None),
        "nets_dice": facts.get("between_nets"),
        "quick_dice": facts.get("with_quick"),
        "atlas_dice": facts.get("with_atlas"),
        "labels_missing": int(np.setdiff1d(load_scheme(COMPARTMENTS).indices, labels).size),
        "labels_in_pieces": labels_in_pieces(labels),
        "pieces": pieces(labels > 0),
        "tissue_share": round(_share(tissue, labels > 0), 4),
        "tissue_asymmetry": round(abs(left - right), 4),
        "fluid_core_mm3": round(fluid_core(labels > 0, t1w, facts["tissues"]), 1),
        "lowest_mm": lowest(dseg_mni),
        "at_field_edge": touches_face(labels),
        "sides_swapped": sides_swapped(labels, dseg.affine),
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


def lowest(dseg_mni: nib.Nifti1Image) -> float | None:
    """Height (mm) above which all but a hundredth of the labels lie, in the template's space; none of no labels."""
    planes = np.count_nonzero(np.asarray(dseg_mni.dataobj), axis=(0, 1))
    if not planes.any():
        return None
    place = int(np.searchsorted(np.cumsum(planes), 0.01 * planes.sum()))
    return round(float((dseg_mni.affine @ (0, 0, place, 1))[2]), 1)


def sides_swapped(labels: np.ndarray, affine: np.ndarray) -> bool:
    """Whether left labels (1-99) lie, in the world of an affine, on the right of right ones (100 and more)."""
    centres = [
        np.argwhere(side).mean(0) if side.any() else None for side in ((labels > 0) & (labels < 100), labels > 99)
    ]
    if centres[0] is None or centres[1] is None:
        return False
    left, right = (nib.affines.apply_affine(affine, centre)[0] for centre in centres)
    return bool(left > right)
