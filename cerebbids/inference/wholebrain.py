"""From T1w and T2w images of an infant's head or bare brain to tissues of the whole brain, on the grid of the T1w."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.along import AlongBox, box_along, from_box, mask_onto_box, onto_box
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.pair import Pair, pair
from cerebbids.imaging.resample import resample
from cerebbids.imaging.shares import with_background
from cerebbids.inference.brains import label_isointense, label_neonate
from cerebbids.inference.inputs import standardise_inside
from cerebbids.inference.localise import CEREBRUM, MEND, Place, is_cut_out, localise
from cerebbids.systems import isointense, neonatal

SPACING = 1.0
"""Edge of the voxels that networks have learnt from, mm."""
MARGIN = 4.0
"""What they saw of nothing around what was shown, mm."""
AROUND_MM = 2.5
"""How far what they are shown of a head goes beyond the closed surface of the brain."""
BARE = 0.1
"""Share of the volume of the brain up to which what lies around it counts for nothing."""
CLOSED_MM = 5.0
"""Furrows that are narrower than twice that belong to what they are shown."""
_OF = {isointense.ISOINTENSE.name: isointense, neonatal.NEONATAL.name: neonatal}
_CUT = "The image ends within the cerebellum."


@dataclass(frozen=True)
class Brain:
    """Classes of a brain on a part of the grid of its T1w image.

    Parameters
    ----------
    t1w : Nifti1Image
        The image, corrected for bias where it shows a head.
    pair : Pair
        The T2w image, likewise, and how it lies.
    part : tuple of slice
        Which part of the grid; beyond it there is background alone.
    probabilities : ndarray, (classes, X, Y, Z), float32
        Background first.
    shown : ndarray of bool, (X, Y, Z)
        What of the image networks were shown, on the whole grid.
    place : Place
        Where brain and cerebellum were found.
    skull_stripped : tuple of bool
        Whether the T1w, and the T2w image, show no skull.
    weeks : float or None
        Postmenstrual age that the network tells, if it does.
    """

    t1w: nib.Nifti1Image
    pair: Pair
    part: tuple[slice, ...]
    probabilities: np.ndarray
    shown: np.ndarray
    place: Place
    skull_stripped: tuple[bool, bool]
    weeks: float | None

    @property
    def labels(self) -> np.ndarray:
        """Most likely class, (X, Y, Z) uint8, on the part."""
        return self.probabilities.argmax(0).astype(np.uint8)

    def facts(self) -> dict[str, Any]:
        """Say what was measured, for ``predict.json``."""
        sure = self.probabilities.max(0)[self.labels > 0]
        return {
            "warnings": [_CUT] if self.place.cut else [],
            "skull_stripped": self.skull_stripped[0],
            "t2w_skull_stripped": self.skull_stripped[1],
            "brain_cm3": round(self.place.brain_cm3, 1),
            "probability_mean": round(float(sure.mean()), 4),
            "doubtful_share": round(float((sure < 0.5).mean()), 4),
            "t2w_correlation": round(self.pair.correlation, 4),
            "t2w_sharpness": round(self.pair.sharpness, 4),
            "t2w_coverage": round(self.pair.coverage, 4),
            "t2w_displacement_mm": round(self.pair.displacement_mm, 1),
            "weeks_told": None if self.weeks is None else round(self.weeks, 1),
        }


def label_brain(
    system: str,
    nets: Mapping[str, torch.nn.Module],
    t1w: nib.Nifti1Image,
    t2w: nib.Nifti1Image,
    device: torch.device,
    threads: int,
    name: str,
    lap: Callable[[str], None],
) -> Brain:
    """Find the brain, bring the T2w image to the T1w image, and label what is there.

    Parameters
    ----------
    system : str
        ``isointense`` or ``neonatal``.
    nets : mapping
        Networks of the system by their names.
    t1w, t2w : Nifti1Image
        3D, any orientation, not negative.
    device : torch.device
    threads : int
        CPUs to use.
    name : str
        What to call the T1w image in an error.
    lap : callable
        Told of the end of every stage.

    Raises
    ------
    SegmentationFailed
        No brain was found, or none of the ages of the system, or the two images do not show one brain.
    """
    own = _OF[system]
    # Bare brains of preterm neonates are as small.
    if system == isointense.ISOINTENSE.name and is_cut_out(t1w):
        raise SegmentationFailed(name, "shows no whole brain", "give the whole head, or choose --system infant")
    place = localise(nets[own.PLACE], t1w, name, device, own.CEREBELLUM_CM3)
    least, most = own.BRAIN_CM3
    if not least <= place.brain_cm3 <= most:
        reason = f"shows a brain of {place.brain_cm3:.0f} cm3, where {system} is for {least:.0f} to {most:.0f}"
        raise SegmentationFailed(name, reason, f"correct the age, choose another --system, or {MEND}")
    lap("place")
    parts = np.asarray(place.labels.dataobj)
    around, inside = around_brain(parts, t1w.affine), with_data(t1w, (parts > 0).astype(np.uint8))
    shown, bare = around & (np.asarray(t1w.dataobj) > 0), is_bare(t1w, around)
    if not bare:
        t1w = correct_bias(t1w, inside, threads)
    lap("bias")
    both = pair(t1w, t2w, parts > 0, name)
    there, inside = (
        resample(with_data(t1w, mask.astype(np.uint8)), both.t2w.shape, both.t2w.affine, order=0)
        for mask in (around, parts > 0)
    )
    t2w_bare = is_bare(both.t2w, np.asarray(there.dataobj) > 0)
    if not t2w_bare:
        both = replace(both, t2w=correct_bias(both.t2w, inside, threads))
    lap("pair")
    if system == isointense.ISOINTENSE.name:
        shown &= _nearest_cerebrum(parts, t1w.affine)
    box = box_along(t1w, shown, SPACING, MARGIN)
    within = mask_onto_box(shown, t1w.affine, box)
    images = (standardise_inside(onto_box(image, box), within) for image in (t1w, both.t2w))
    seen = torch.from_numpy(np.stack([*images])).to(device)
    ask = _isointense if system == isointense.ISOINTENSE.name else _neonatal
    probabilities, weeks = ask(nets, seen)
    outside = torch.from_numpy(~within)
    probabilities[:, outside] = 0
    probabilities[0, outside] = 1
    lap("labels")
    part, every = _on_grid(probabilities, box, t1w)
    every[:, ~shown[part]] = 0
    every[0, ~shown[part]] = 1
    if not every.argmax(0).any():
        raise SegmentationFailed(name, "no tissue of a brain was found", MEND)
    return Brain(t1w, both, part, every, shown, place, (bare, t2w_bare), weeks)


def is_bare(image: nib.Nifti1Image, around: np.ndarray) -> bool:
    """Whether an image shows a brain and hardly anything around it (bool, on its grid)."""
    bright = np.asarray(image.dataobj) > 0
    return np.count_nonzero(bright & ~around) < BARE * np.count_nonzero(around)


def around_brain(parts: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Brain with its furrows, and :data:`AROUND_MM` around, bool, of labels of a place (X, Y, Z)."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    box = ndimage.find_objects((parts > 0).astype(np.uint8))[0]
    pads = np.ceil((CLOSED_MM + AROUND_MM) / zooms).astype(int) + 2
    near = tuple(
        slice(max(0, side.start - pad), min(n, side.stop + pad))
        for side, pad, n in zip(box, pads, parts.shape, strict=True)
    )
    wide = ndimage.distance_transform_edt(parts[near] == 0, sampling=zooms) <= CLOSED_MM
    depth = ndimage.distance_transform_edt(np.pad(wide, 1, mode="edge"), sampling=zooms)[1:-1, 1:-1, 1:-1]
    found = np.zeros(parts.shape, bool)
    found[near] = depth >= CLOSED_MM - AROUND_MM
    return found


def _nearest_cerebrum(parts: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """What is nearer to the cerebrum than to cerebellum and brainstem, bool."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    cerebrum, other = (
        ndimage.distance_transform_edt(~mask, sampling=zooms) for mask in (parts == CEREBRUM, parts > CEREBRUM)
    )
    return cerebrum <= other


def _isointense(nets: Mapping[str, torch.nn.Module], seen: torch.Tensor) -> tuple[torch.Tensor, float | None]:
    spacing = (SPACING,) * 3
    labels, probabilities = label_isointense((nets["cerebrum"], nets["context"]), seen, isointense.SIDE, spacing)
    probabilities = probabilities.cpu().clone()
    now, before = torch.from_numpy(labels).long()[None], probabilities.argmax(0, keepdim=True)
    # Bits that were given to what is around: both classes change their probabilities.
    most, other = probabilities.gather(0, before), probabilities.gather(0, now)
    return probabilities.scatter(0, before, other).scatter(0, now, most), None


def _neonatal(nets: Mapping[str, torch.nn.Module], seen: torch.Tensor) -> tuple[torch.Tensor, float | None]:
    probabilities, age = label_neonate(nets["brain"], seen, neonatal.SIDE)
    mean, spread = neonatal.WEEKS
    return probabilities.cpu().clone(), None if age is None else mean + spread * age


def _on_grid(probabilities: torch.Tensor, box: AlongBox, t1w: nib.Nifti1Image) -> tuple[tuple[slice, ...], np.ndarray]:
    """Read probabilities on the image's grid; what is of no class is background, beyond the box as well."""
    read = from_box(probabilities[1:].numpy(), box, t1w.shape, t1w.affine)
    return read.part, with_background(read.shares)
