"""Quality of the tissues of an infant's cerebellum in numbers, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.imaging.growth import AT_24_MONTHS, size_at
from cerebbids.imaging.qc import Rule
from cerebbids.imaging.verdict import Verdict, judged

CSF, GREY, WHITE = 1, 2, 3

DEFINITIONS = {
    "trust_mean": "mean probability, as a second network judges, that a label is right",
    "doubtful_share": "share of the labels that are more probably wrong than right",
    "probability_mean": "mean probability of the labels that the first network gave",
    "volume_cm3": "grey and white matter of the cerebellum, without the brainstem, cm3",
    "size_for_age": "that volume over the usual one at this age",
    "white_share": "share of white matter in it",
    "pieces": "pieces of the cerebellum that have a hundredth of it or more",
    "edge_share": "share of the labels that lie on a face of the image",
    "months_from_model": "difference of the age and that of the network that was used, months",
}
"""What each number says, in the order of the file."""

RULES = (
    Rule("trust_mean", 0.85, 0.70, "The labels are not to be trusted as they are (mean {value:.2f})."),
    Rule("doubtful_share", 0.10, 0.25, "Of the labels {value:.0%} are more probably wrong than right."),
    Rule("probability_mean", 0.80, 0.65, "The labels are not sure (mean probability {value:.2f})."),
    Rule("size_for_age", 1.4, 1.8, "The cerebellum is large for the age ({value:.2f} times the usual volume)."),
    Rule("size_for_age", 0.65, 0.45, "The cerebellum is small for the age ({value:.2f} times the usual volume)."),
    Rule("white_share", 0.55, 0.70, "White matter is {value:.0%} of grey and white matter."),
    Rule("white_share", 0.15, 0.07, "White matter is only {value:.0%} of grey and white matter."),
    Rule("pieces", 1, 3, "The cerebellum lies in {value:.0f} pieces."),
    Rule("edge_share", 0.001, 0.01, "The cerebellum reaches the end of the field of view."),
    Rule("months_from_model", 3.5, 9, "The network is one for infants {value:.0f} months older or younger."),
)
"""Limits are guesses, but for what lies far beyond all 13 labelled infants."""


def measure_tissues(
    labels: np.ndarray, cerebellum: np.ndarray, voxel_mm3: float, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure what :data:`DEFINITIONS` names.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z)
        Tissues.
    cerebellum : ndarray of bool, (X, Y, Z)
        Without the brainstem; what of it has no label is not looked at.
    voxel_mm3 : float
    facts : mapping
        Of the networks' process: trust_mean, doubtful_share, probability_mean, months (or none), model_months.
    """
    solid = cerebellum & (labels >= GREY)
    volume = float(np.count_nonzero(solid)) * voxel_mm3 / 1000
    white = float(np.count_nonzero(solid & (labels == WHITE))) / max(np.count_nonzero(solid), 1)
    sizes = np.bincount(ndimage.label(cerebellum & (labels > 0))[0].ravel())[1:]
    months = facts["months"]
    return {
        **{key: facts[key] for key in ("trust_mean", "doubtful_share", "probability_mean")},
        "volume_cm3": round(volume, 2),
        "size_for_age": None if months is None else round(volume / (AT_24_MONTHS * size_at(min(months, 30))), 3),
        "white_share": round(white, 3),
        "pieces": int(np.count_nonzero(sizes >= 0.01 * sizes.sum())),
        "edge_share": round(edge_share(labels > 0), 5),
        "months_from_model": None if months is None else round(abs(months - facts["model_months"]), 1),
    }


def edge_share(labelled: np.ndarray) -> float:
    """Share of the labelled voxels that lie on a face of the array."""
    inner = labelled[1:-1, 1:-1, 1:-1]
    return 1 - np.count_nonzero(inner) / max(np.count_nonzero(labelled), 1)


def judge_tissues(
    dseg: nib.Nifti1Image,
    mask: nib.Nifti1Image,
    facts: Mapping[str, Any],
    of_steps: Sequence[str],
    *,
    corrected: bool = False,
) -> Verdict:
    """Measure a segmentation of tissues, and look for what cannot be.

    Parameters
    ----------
    dseg : Nifti1Image
        Tissues.
    mask : Nifti1Image
        Cerebellum without the brainstem, on the same grid.
    facts : mapping
        As :func:`measure_tissues` takes them.
    of_steps : sequence of str
        Warnings of all that was done before.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them, so that their numbers are older.
    """
    voxel = float(abs(np.linalg.det(dseg.affine[:3, :3])))
    numbers = measure_tissues(np.asarray(dseg.dataobj), np.asarray(mask.dataobj) > 0, voxel, facts)
    return judged(numbers, RULES, DEFINITIONS, of_steps, corrected=corrected)
