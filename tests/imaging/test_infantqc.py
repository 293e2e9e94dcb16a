import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.growth import AT_24_MONTHS, size_at
from cerebbids.imaging.infantqc import (
    CSF,
    DEFINITIONS,
    GREY,
    RULES,
    WHITE,
    judge_tissues,
    measure_tissues,
)

FACTS = {"trust_mean": 0.95, "doubtful_share": 0.02, "probability_mean": 0.93, "months": 24.0, "model_months": 24}


def cerebellum(cm3: float = AT_24_MONTHS, white: float = 0.35) -> np.ndarray:
    """Fluid around a block of so much grey and white matter, 1 mm."""
    side = round((1000 * cm3) ** (1 / 3))
    labels = np.zeros((side + 8,) * 3, np.uint8)
    labels[3:-3, 3:-3, 3:-3] = CSF
    labels[4:-4, 4:-4, 4:-4] = GREY
    labels[4 : 4 + round(white * side), 4:-4, 4:-4] = WHITE
    return labels


def judged(labels: np.ndarray, **facts: object):
    image = nib.Nifti1Image(labels, np.eye(4))
    mask = nib.Nifti1Image((labels > 0).astype(np.uint8), np.eye(4))
    return judge_tissues(image, mask, FACTS | facts, ())


def test_a_usual_cerebellum_is_green_and_has_every_number():
    verdict = judged(cerebellum())
    assert verdict.quality["light"] == "green" and not verdict.warnings
    assert [key for key in verdict.quality if key in DEFINITIONS] == list(DEFINITIONS)
    assert verdict.quality["size_for_age"] == pytest.approx(1, abs=0.02)
    assert verdict.quality["white_share"] == pytest.approx(0.35, abs=0.02)
    assert {rule.metric for rule in RULES} <= DEFINITIONS.keys()


@pytest.mark.parametrize(
    ("facts", "light", "said"),
    [
        ({"trust_mean": 0.8}, "yellow", "not to be trusted"),
        ({"doubtful_share": 0.3}, "red", "more probably wrong"),
        ({"months": 6.0, "model_months": 6}, "yellow", "large for the age"),
        ({"months": 6.0}, "red", "18 months older or younger"),
        ({"months": 30.0, "model_months": 24}, "yellow", "6 months older or younger"),
    ],
)
def test_what_is_odd_is_said(facts: dict, light: str, said: str):
    verdict = judged(cerebellum(), **facts)
    assert verdict.quality["light"] == light and any(said in warning for warning in verdict.warnings)


def test_size_is_held_against_that_of_the_age():
    labels = cerebellum(AT_24_MONTHS * size_at(12))
    assert judged(labels, months=12.0, model_months=12).quality["size_for_age"] == pytest.approx(1, abs=0.03)
    assert judged(cerebellum(40), months=24.0).quality["light"] == "red"
    assert judged(labels, months=None).quality["size_for_age"] is None


def test_pieces_and_the_end_of_the_field_of_view_are_seen():
    labels = cerebellum()
    labels[3:15] = 0
    labels[20:24] = 0
    whole = measure_tissues(labels, labels > 0, 1.0, FACTS)
    assert whole["pieces"] == 2 and whole["edge_share"] == 0
    cut = labels[24:]
    assert measure_tissues(cut, cut > 0, 1.0, FACTS)["edge_share"] > 0.01


def test_what_was_erased_inside_the_mask_is_no_part_of_the_cerebellum():
    labels = cerebellum()
    mask = labels > 0
    labels[20:24] = 0
    found = measure_tissues(labels, mask, 1.0, FACTS)
    assert found == measure_tissues(labels, mask & (labels > 0), 1.0, FACTS) and found["pieces"] == 2


def test_the_brainstem_is_no_part_of_the_volume():
    labels = cerebellum()
    mask = labels > 0
    mask[:20] = False
    whole, part = (measure_tissues(labels, inside, 2.0, FACTS)["volume_cm3"] for inside in (labels > 0, mask))
    assert whole == pytest.approx(2 * AT_24_MONTHS, rel=0.05) and part < 0.75 * whole
