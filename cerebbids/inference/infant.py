"""From an infant's T1w image, of the head or of a cerebellum that was cut out, to tissues of the cerebellum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.growth import AT_24_MONTHS, brain_cm3_at, size_at
from cerebbids.imaging.parts import nearest_of
from cerebbids.inference.localise import (
    BRAINSTEM,
    CEREBELLUM,
    CEREBRUM,
    is_cut_out,
    is_emptied,
    localise,
    localise_cut_out,
)
from cerebbids.inference.tissues import Tissues, find_tissues

LARGE_BRAIN = 1.35
"""How many times as large as usual at the age no brain is."""
LARGE_BOTH = 1.2, 1.45
"""How many times as large as usual brain and cerebellum (grey and white matter) are not both: those of most adults are
at a year, of all at nine months and below, or their brain alone is too large."""
FLUID = 1
"""Label of it: grey and white matter have higher ones."""
AROUND_MM = 4.0
"""How much around cerebellum and brainstem a network is shown: fluid between and around the folia."""


_CUT = "The image ends within the cerebellum."
_BACKWARDS = (
    "By its anatomy the cerebellum lies back to front of what the header says, and it was taken as it looks: the "
    "header is wrong, left and right may be exchanged."
)

NEAR_MM = 20.0
"""What of a cut-out may lie so far from cerebellum and brainstem, along each axis."""


@dataclass(frozen=True)
class InfantAnswer:
    """Tissues on the grid of an image.

    Parameters
    ----------
    t1w : Nifti1Image
        The image, corrected for bias where it shows a head.
    tissues : Tissues
    cerebellum : ndarray of bool, (X, Y, Z)
        What of the labels belongs to the cerebellum, on the part of the grid of ``tissues``.
    shown : ndarray of bool, (X, Y, Z)
        What of the image the networks were shown, on the whole grid.
    cut_out : bool
        Whether the image shows nothing but a cerebellum and what is beside it.
    skull_stripped : bool
        Whether it shows no skull, that or a bare brain.
    brain_cm3 : float or None
        Volume of brain, cerebellum and brainstem; none of a cut-out.
    cut : bool
        Whether the image ends within the cerebellum.
    backwards : bool
        Whether front and back are not where the header says.
    """

    t1w: nib.Nifti1Image
    tissues: Tissues
    cerebellum: np.ndarray
    shown: np.ndarray
    cut_out: bool
    skull_stripped: bool
    brain_cm3: float | None
    cut: bool
    backwards: bool

    def facts(self) -> dict[str, Any]:
        """Say what was measured, for ``predict.json``."""
        labelled = self.cerebellum & (self.tissues.labels > 0)
        trust, sure = self.tissues.trust[labelled], self.tissues.probabilities.max(0)[labelled]
        return {
            "warnings": [said for said, true in ((_CUT, self.cut), (_BACKWARDS, self.backwards)) if true],
            "backwards": self.backwards,
            "cut_out": self.cut_out,
            "skull_stripped": self.skull_stripped,
            "brain_cm3": self.brain_cm3 and round(self.brain_cm3, 1),
            "trust_mean": round(float(trust.mean()), 4),
            "doubtful_share": round(float((trust < 0.5).mean()), 4),
            "probability_mean": round(float(sure.mean()), 4),
        }


def label(
    place_net: torch.nn.Module,
    tissue_net: torch.nn.Module,
    judge: torch.nn.Module,
    t1w: nib.Nifti1Image,
    months: float,
    device: torch.device,
    threads: int,
    name: str,
    lap: Callable[[str], None],
) -> InfantAnswer:
    """Find the cerebellum of an infant and label its tissues.

    Parameters
    ----------
    place_net, tissue_net, judge : Module
        Find the cerebellum; name tissues; tell how far to trust them.
    t1w : Nifti1Image
        3D, any orientation, not negative, 0 around a cut-out.
    months : float
        Age since birth.
    device : torch.device
    threads : int
        CPUs to use.
    name : str
        What to call the image in an error.
    lap : callable
        Told of the end of every stage.

    Raises
    ------
    SegmentationFailed
        No cerebellum was found, or the head is none of an infant.
    """
    cut_out = is_cut_out(t1w)
    place = (localise_cut_out if cut_out else localise)(place_net, t1w, name, device)
    parts = np.asarray(place.labels.dataobj)
    lap("place")
    if cut_out:
        shown = (np.asarray(t1w.dataobj) > 0) & around(parts, t1w.affine)
    else:
        _check_size("brain", place.brain_cm3, LARGE_BRAIN, brain_cm3_at(months), months, name)
        t1w = correct_bias(t1w, with_data(t1w, (parts > 0).astype(np.uint8)), threads)
        lap("bias")
        shown = region(parts, t1w.affine) & (np.asarray(t1w.dataobj) > 0)
    tissues = find_tissues(tissue_net, judge, t1w, shown, device, backwards=place.backwards)
    zooms = nib.affines.voxel_sizes(t1w.affine)
    owner = nearest_of(parts[tissues.part], tissues.labels > 0, CEREBELLUM, BRAINSTEM, zooms)
    cerebellum = owner == CEREBELLUM
    if not (cerebellum & (tissues.labels > 0)).any():
        raise SegmentationFailed(name, "no tissue of a cerebellum was found", "look at the image and its contrast")
    lap("tissues")
    if not cut_out and place.brain_cm3 > LARGE_BOTH[0] * brain_cm3_at(months):
        volume = np.count_nonzero(cerebellum & (tissues.labels > FLUID)) * float(np.prod(zooms)) / 1000
        _check_size("cerebellum", volume, LARGE_BOTH[1], AT_24_MONTHS * size_at(months), months, name)
    brain, cut = (None, False) if cut_out else (place.brain_cm3, place.cut)
    return InfantAnswer(t1w, tissues, cerebellum, shown, cut_out, is_emptied(t1w), brain, cut, place.backwards)


def _check_size(what: str, cm3: float, most: float, usual: float, months: float, name: str) -> None:
    """Refuse what is too large for the age: that of an older child or of an adult."""
    if cm3 > most * usual:
        reason = f"shows a {what} of {cm3:.0f} cm3, too large for {months:g} months (usual: {usual:.0f})"
        raise SegmentationFailed(name, reason, "correct the age, or choose --system deepceres")


def around(labels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Box around cerebellum and brainstem, bool: a stray voxel far away must not count for the cut-out."""
    box = ndimage.find_objects(np.isin(labels, (CEREBELLUM, BRAINSTEM)).astype(np.uint8))[0]
    pads = np.ceil(NEAR_MM / np.linalg.norm(affine[:3, :3], axis=0)).astype(int)
    near = tuple(slice(max(0, side.start - pad), side.stop + pad) for side, pad in zip(box, pads, strict=True))
    inside = np.zeros(labels.shape, bool)
    inside[near] = True
    return inside


def region(labels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Cerebellum, brainstem and :data:`AROUND_MM` around both, bool, of labels of a place."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    inside = np.isin(labels, (CEREBELLUM, BRAINSTEM))
    box = ndimage.find_objects(inside.astype(np.uint8))[0]
    pads = np.ceil(AROUND_MM / zooms).astype(int) + 1
    near = tuple(
        slice(max(0, side.start - pad), min(n, side.stop + pad))
        for side, pad, n in zip(box, pads, labels.shape, strict=True)
    )
    grown = np.zeros(labels.shape, bool)
    grown[near] = ndimage.distance_transform_edt(~inside[near], sampling=zooms) <= AROUND_MM
    return grown & (labels != CEREBRUM)
