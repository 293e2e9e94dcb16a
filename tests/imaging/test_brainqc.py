import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.brainqc import DEFINITIONS, OF_NETWORKS, judge_brain, measure_brain

FACTS = {
    "probability_mean": 0.95,
    "doubtful_share": 0.01,
    "t2w_correlation": 0.9,
    "t2w_sharpness": 0.2,
    "t2w_coverage": 1.0,
}
DRAWEM = load_scheme("DrawEM9")


def brain() -> np.ndarray:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:18, 2:18, 2:18] = 1
    labels[3:17, 3:17, 3:17] = 2
    labels[5:15, 5:15, 5:15] = 3
    for place, value in enumerate((4, 5, 6, 7, 8, 9)):
        labels[6:8, 6:8, 5 + place] = value
    return labels


def test_numbers_of_a_whole_brain():
    told = measure_brain(brain(), DRAWEM, 8.0, FACTS)
    assert [*told] == [*DEFINITIONS] and {key: told[key] for key in OF_NETWORKS} == FACTS
    solid = 14**3 - 8  # without ventricles, and what is outside
    assert told["tissue_cm3"] == pytest.approx(solid * 8 / 1000, abs=0.01)
    assert told["cerebral_white_share"] == pytest.approx((1000 - 24) / (14**3 - 16), abs=1e-3)
    assert told["classes_missing"] == 0 and told["brain_pieces"] == 1 and told["brain_edge_share"] == 0


def test_what_is_sound_is_green_and_what_is_not_is_told():
    image = nib.Nifti1Image(brain(), np.diag([2.0, 2, 2, 1]))
    sound = judge_brain(image, DRAWEM, FACTS, ())
    assert sound.quality["light"] == "green" and not sound.warnings
    cut = nib.Nifti1Image(brain()[:10], image.affine)
    told = judge_brain(cut, DRAWEM, {**FACTS, "t2w_sharpness": 0.09}, ("Said before.",))
    assert told.quality["light"] == "red" and told.of_steps == ("Said before.",)
    assert "The brain reaches the end of the field of view." in told.warnings
    assert "The T2w image hardly fits the T1w image: are both of one session?" in told.warnings
    assert told.warnings[-1] == "Said before."


def test_numbers_of_networks_are_older_than_a_correction():
    image = nib.Nifti1Image(brain(), np.diag([2.0, 2, 2, 1]))
    told = judge_brain(image, DRAWEM, {**FACTS, "probability_mean": 0.7}, (), corrected=True)
    assert any("before labels were corrected by hand" in flag for flag in told.warnings)
    assert "before labels" in told.quality["definitions"]["t2w_sharpness"]
