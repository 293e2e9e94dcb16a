"""What is said of a segmentation: its quality in numbers, a traffic light, and all warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.imaging.qc import DEFINITIONS, OF_EACH_LABEL, RULES, Rule, quality_report
from cerebbids.imaging.qcnumbers import measure_quality
from cerebbids.imaging.quality import check_cavity, check_segmentation


@dataclass(frozen=True)
class Verdict:
    """Quality and warnings.

    Parameters
    ----------
    quality : dict
        What ``_qc.json`` holds.
    warnings : tuple of str
        What should make a reader look twice: the flags of ``quality``.
    of_steps : tuple of str
        Those of them that came up before there were labels to measure.
    """

    quality: Mapping[str, Any]
    warnings: tuple[str, ...]
    of_steps: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """What goes into the sidecars."""
        return {
            "light": self.quality["light"],
            "warnings": list(self.warnings),
            "warnings_of_steps": list(self.of_steps),
        }


def judge(
    *,
    dseg: nib.Nifti1Image,
    dseg_mni: nib.Nifti1Image,
    carved: nib.Nifti1Image,
    t1w: nib.Nifti1Image,
    icv: nib.Nifti1Image | None,
    facts: Mapping[str, Any],
    t1w_to_mni: np.ndarray,
    of_steps: Sequence[str],
    corrected: bool = False,
) -> Verdict:
    """Measure a segmentation, and look for what cannot be.

    Parameters
    ----------
    dseg, dseg_mni, carved, t1w, facts, t1w_to_mni
        As :func:`cerebbids.imaging.qcnumbers.measure_quality` takes them.
    icv : Nifti1Image or None
        Mask of the intracranial cavity on the grid of the T1w image; none of a stripped one.
    of_steps : sequence of str
        Warnings of all that was done before.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them.

    Raises
    ------
    ValueError
        Labels and image are not on one grid.
    """
    found = check_segmentation(dseg, t1w) + (check_cavity(icv, t1w) if icv is not None else ())
    numbers = measure_quality(dseg, dseg_mni, carved, t1w, facts, t1w_to_mni) | {"confidence": facts["confidence"]}
    return judged(numbers, RULES, DEFINITIONS | OF_EACH_LABEL, of_steps, found, corrected=corrected)


def judged(
    numbers: Mapping[str, Any],
    rules: Sequence[Rule],
    definitions: Mapping[str, str],
    of_steps: Sequence[str],
    found: Sequence[str] = (),
    *,
    corrected: bool,
) -> Verdict:
    """Say what numbers mean, with all that came up beside them.

    Parameters
    ----------
    numbers : dict
        What was measured.
    rules : sequence of Rule
    definitions : mapping
        What each number says.
    of_steps : sequence of str
        Warnings of all that was done before there were labels.
    found : sequence of str
        Further warnings about the labels.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them.
    """
    quality = quality_report(numbers, corrected=corrected, rules=rules, definitions=definitions)
    flags = dict.fromkeys((*quality["flags"], *of_steps, *found))  # nothing is said twice
    light = "yellow" if flags and quality["light"] == "green" else quality["light"]
    return Verdict({**quality, "light": light, "flags": list(flags)}, tuple(flags), tuple(of_steps))
