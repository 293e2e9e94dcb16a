"""What the numbers of a segmentation's quality say: a traffic light, and what nobody may take unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEFINITIONS = {
    "confidence_mean": "mean probability of the labels over the voxels that got them, mean of all labels",
    "confidence_least": "the same of the label with the least",
    "nets_dice": "mean Dice of labels that the two kinds of network of the cascade name alone",
    "quick_dice": "mean Dice of labels that the cascade and the network at 1 mm name alone",
    "atlas_dice": "mean Dice of the labels and those most voted for in the subject's atlas",
    "labels_missing": "labels of the scheme without a voxel",
    "labels_in_pieces": "labels whose largest piece has less than nine tenths of them",
    "pieces": "pieces of the cerebellum that have a hundredth of it or more",
    "volume_mni_cm3": "volume of the cerebellum in the template's space, where heads are of one size, cm3",
    "one_sided_mm3": "largest part, 3 mm from its surface, of what one side has and the other lacks in that space, mm3",
    "tissue_share": "share of the lobules and white matter that is no fluid",
    "tissue_asymmetry": "difference of that share between the sides",
    "fluid_core_mm3": "largest piece of fluid deep inside of the closed cerebellum, mm3",
    "lowest_mm": "height of the lowest hundredth of the cerebellum in the template's space, mm",
    "snr": "brightness of the scan in the cerebellum's white matter over its standard deviation there",
    "at_field_edge": "whether the cerebellum reaches the end of the field of view",
    "sides_swapped": "whether left labels lie on the right of right ones",
}
"""What each number says, in the order of the file."""
OF_EACH_LABEL = {"confidence": "mean probability of each label over the voxels that got it, 0 of an absent one"}
"""What ``_qc.json`` tells of every label."""
OF_NETWORKS = (
    "confidence", "confidence_mean", "confidence_least", "nets_dice", "quick_dice", "atlas_dice",
    "trust_mean", "doubtful_share", "probability_mean", "t2w_correlation", "t2w_sharpness", "t2w_coverage",
)  # fmt: skip
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
        With ``{value}``; ``{label}`` is the one with the least confidence.
    """

    metric: str
    yellow: float
    red: float
    sentence: str

    def light(self, value: float) -> str:
        """``green``, ``yellow`` or ``red``.

        Examples
        --------
        >>> rule = Rule("share", 0.8, 0.6, "")
        >>> rule.light(0.9), rule.light(0.7), rule.light(0.5)
        ('green', 'yellow', 'red')
        """
        sign = 1 if self.red > self.yellow else -1
        if sign * value > sign * self.red:
            return "red"
        return "yellow" if sign * value > sign * self.yellow else "green"


RULES = (
    Rule("confidence_mean", 0.80, 0.65, "The labels are not sure (mean probability {value:.2f})."),
    Rule("confidence_least", 0.62, 0.35, "{label} is hardly more than a guess (mean probability {value:.2f})."),
    Rule("nets_dice", 0.94, 0.80, "The networks of the cascade disagree about the labels (Dice {value:.2f})."),
    Rule("quick_dice", 0.84, 0.65, "Cascade and network at 1 mm disagree about the labels (Dice {value:.2f})."),
    Rule("atlas_dice", 0.78, 0.60, "The labels are not where the most similar cerebella have them (Dice {value:.2f})."),
    Rule("labels_missing", 0, 3, "Labels of the scheme that were not found: {value:.0f}."),
    Rule("labels_in_pieces", 3, 8, "Labels that lie in pieces: {value:.0f}."),
    Rule("pieces", 1, 3, "The cerebellum lies in {value:.0f} pieces."),
    Rule("volume_mni_cm3", 163, 120, "The cerebellum is small for the head ({value:.0f} cm3 in the template's space)."),
    Rule("one_sided_mm3", 400, 3000, "One side lacks what the other has ({value:.0f} mm3 of it deep): a lesion?"),
    Rule("tissue_share", 0.60, 0.40, "Only {value:.0%} of the cerebellum is tissue: atrophy, or something is missing."),
    Rule("tissue_asymmetry", 0.10, 0.25, "The share of tissue differs by {value:.0%} between the sides."),
    Rule("fluid_core_mm3", 1500, 6000, "There are {value:.0f} mm3 of fluid in one piece inside: a lesion, or a cyst?"),
    Rule("lowest_mm", -68.0, -74.0, "The cerebellum reaches far down ({value:.0f} mm): do the tonsils descend?"),
    Rule("at_field_edge", 0.5, 2, "The cerebellum reaches the end of the field of view."),
    Rule("sides_swapped", 0.4, 0.5, "Left labels lie on the right of right ones."),
)  # fmt: skip
"""Yellow lies beyond the 20 people of the cross-validation (``benchmarks/results/cascade.tsv``, method ``nets``) for
the networks' confidence and Dice, the volume (2 SD below their mean; red 5 SD) and what one side lacks. Below them
there is room for other scanners: a limit need not catch a simulated failure (``benchmarks/qc.py``) that another one
does. Methods other than ``nets`` are judged by the same limits. All others, and nearly all for red, are guesses, some
of them made with the simulated failures of one head (``chris``) in sight."""


def light_of(
    metrics: Mapping[str, Any], *, corrected: bool = False, rules: Sequence[Rule] = RULES
) -> tuple[str, tuple[str, ...]]:
    """Traffic light of a segmentation, and a sentence for every number that is not green, the red ones first.

    Where labels were corrected by hand, the sentences about numbers of the networks say that these are older.

    Examples
    --------
    >>> light_of({"pieces": 2, "nets_dice": None})
    ('yellow', ('The cerebellum lies in 2 pieces.',))
    """
    found = list(_flags(metrics, corrected, rules))
    sentences = [text for shade in ("red", "yellow") for light, text in found if light == shade]
    lights = {light for light, _ in found}
    return ("red" if "red" in lights else "yellow" if lights else "green"), tuple(sentences)


def _flags(metrics: Mapping[str, Any], corrected: bool, rules: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        value = metrics.get(rule.metric)
        if value is not None and (light := rule.light(float(value))) != "green":
            older = f" So it was {_BEFORE}." if corrected and rule.metric in OF_NETWORKS else ""
            yield light, rule.sentence.format(value=float(value), label=_least_sure(metrics)) + older


def _least_sure(metrics: Mapping[str, Any]) -> str:
    found = {label: share for label, share in metrics.get("confidence", {}).items() if share}
    return min(found, key=lambda label: found[label], default="One label")


def quality_report(
    metrics: Mapping[str, Any], *, corrected: bool = False, rules: Sequence[Rule] = RULES,
    definitions: Mapping[str, str] = DEFINITIONS,
) -> dict[str, Any]:  # fmt: skip
    """Numbers, traffic light, flags and what the numbers say, as ``_qc.json`` has them.

    Parameters
    ----------
    metrics : dict
        By default as :func:`cerebbids.imaging.qcnumbers.measure_quality` gives them, with ``confidence`` of each label.
    corrected : bool
        Whether somebody has corrected the labels since the networks found them.
    rules : sequence of Rule
    definitions : mapping
        What the numbers say.
    """
    light, flags = light_of(metrics, corrected=corrected, rules=rules)
    told = {**definitions, **_older_meanings(definitions, corrected)}
    return {"light": light, "flags": list(flags), **metrics, "definitions": told}


def _older_meanings(definitions: Mapping[str, str], corrected: bool) -> dict[str, str]:
    """What numbers of the networks say where somebody has corrected the labels since."""
    return {key: f"{definitions[key]}, {_BEFORE}" for key in OF_NETWORKS if corrected and key in definitions}
