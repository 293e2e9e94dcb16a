"""Quality of the labels of a whole brain in numbers, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.data.labels import LabelScheme
from cerebbids.imaging.infantqc import edge_share
from cerebbids.imaging.pair import MIN_SHARPNESS
from cerebbids.imaging.qc import Rule
from cerebbids.imaging.verdict import Verdict, judged

OF_NETWORKS = ("probability_mean", "doubtful_share", "t2w_correlation", "t2w_sharpness", "t2w_coverage")
"""Numbers that the networks' process gives."""

DEFINITIONS = {
    "probability_mean": "mean probability of the labels",
    "doubtful_share": "share of the labels whose probability is less than a half",
    "t2w_correlation": "correlation of the T2w image with that function of the T1w image which resembles it most",
    "t2w_sharpness": "what of it is lost when the T2w image is shifted by 3 mm",
    "t2w_coverage": "share of the brain that the T2w image shows: in its field of view, and not black",
    "tissue_cm3": "grey and white matter of the brain, as far as it is labelled, cm3",
    "cerebral_white_share": "share of white matter in the grey and white matter of the cerebrum",
    "classes_missing": "classes of brain and fluid without a voxel",
    "brain_pieces": "pieces of grey and white matter that have a hundredth of it or more",
    "brain_edge_share": "share of grey and white matter that lie on a face of the image",
}
"""What each number says, in the order of the file."""

RULES = (
    Rule("probability_mean", 0.80, 0.65, "The labels are not sure (mean probability {value:.2f})."),
    Rule("doubtful_share", 0.05, 0.20, "Of the labels {value:.0%} are hardly more than guesses."),
    Rule("t2w_sharpness", 0.11, MIN_SHARPNESS, "The T2w image hardly fits the T1w image: are both of one session?"),
    Rule("t2w_coverage", 0.99, 0.96, "The T2w image shows only {value:.1%} of the brain."),
    Rule("cerebral_white_share", 0.65, 0.80, "White matter is {value:.0%} of the cerebrum's grey and white matter."),
    Rule("cerebral_white_share", 0.20, 0.10, "Only {value:.0%} of the cerebrum's grey and white matter is white."),
    Rule("classes_missing", 0, 1, "Classes of brain and fluid that were not found: {value:.0f}."),
    Rule("brain_pieces", 1, 3, "The brain lies in {value:.0f} pieces."),
    Rule("brain_edge_share", 0.001, 0.01, "The brain reaches the end of the field of view."),
)
"""Limits are guesses: no labelled image of a real infant was there to set them by."""


def measure_brain(
    labels: np.ndarray, scheme: LabelScheme, voxel_mm3: float, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure what :data:`DEFINITIONS` names.

    Parameters
    ----------
    labels : ndarray, (X, Y, Z)
    scheme : LabelScheme
        What they mean.
    voxel_mm3 : float
    facts : mapping
        Of the networks' process: what :data:`OF_NETWORKS` names.
    """
    counts = np.bincount(labels.ravel(), minlength=256)
    of = {tissue: [each.index for each in scheme.labels if each.tissue == tissue] for tissue in ("GM", "WM", "both")}
    white, cerebral = counts[of["WM"]].sum(), counts[of["GM"] + of["WM"]].sum()
    solid = np.isin(labels, of["GM"] + of["WM"] + of["both"])
    sizes = np.bincount(ndimage.label(solid)[0].ravel())[1:]
    return {
        **{key: facts[key] for key in OF_NETWORKS},
        "tissue_cm3": round(float(np.count_nonzero(solid)) * voxel_mm3 / 1000, 2),
        "cerebral_white_share": round(float(white) / max(float(cerebral), 1.0), 3),
        "classes_missing": int(sum(counts[each.index] == 0 for each in scheme.labels if each.tissue != "other")),
        "brain_pieces": int(np.count_nonzero(sizes >= 0.01 * sizes.sum())),
        "brain_edge_share": round(edge_share(solid), 5),
    }


def judge_brain(
    dseg: nib.Nifti1Image,
    scheme: LabelScheme,
    facts: Mapping[str, Any],
    of_steps: Sequence[str],
    *,
    corrected: bool = False,
) -> Verdict:
    """Measure the labels of a brain, and look for what cannot be.

    Parameters
    ----------
    dseg : Nifti1Image
        Labels.
    scheme : LabelScheme
    facts : mapping
        As :func:`measure_brain` takes them.
    of_steps : sequence of str
        Warnings of all that was done before.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them.
    """
    voxel = float(abs(np.linalg.det(dseg.affine[:3, :3])))
    numbers = measure_brain(np.asarray(dseg.dataobj), scheme, voxel, facts)
    return judged(numbers, RULES, DEFINITIONS, of_steps, corrected=corrected)
