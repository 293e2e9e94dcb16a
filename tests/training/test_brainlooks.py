import numpy as np
import pytest

from cerebbids.training.brainlooks import WEEKS, draw_contrast
from cerebbids.training.infantmaps import Tissue


def mean_ratio(weeks: float, tissue: Tissue, contrast: str) -> float:
    """Brightness of a tissue beside cortex, on average over scanners."""
    drawn = [getattr(draw_contrast(weeks, np.random.default_rng(seed)), contrast) for seed in range(60)]
    return float(np.mean([means[tissue] / means[Tissue.CORTEX] for means in drawn]))


def test_contrast_of_neonates_is_inverted():
    for weeks in (28.0, 40.0):
        assert mean_ratio(weeks, Tissue.WHITE, "t1w") < 0.9
        assert mean_ratio(weeks, Tissue.WHITE, "t2w") > 1.3


def test_white_and_grey_matter_are_alike_at_six_months():
    assert mean_ratio(66, Tissue.WHITE, "t1w") == pytest.approx(1, abs=0.05)
    assert mean_ratio(66, Tissue.WHITE, "t2w") == pytest.approx(1, abs=0.1)


def test_the_order_is_that_of_adults_later_on():
    assert mean_ratio(92, Tissue.WHITE, "t1w") > 1.05
    assert mean_ratio(92, Tissue.WHITE, "t2w") < 0.95


def test_contrast_of_white_matter_tells_the_age():
    ratios = [mean_ratio(weeks, Tissue.WHITE, "t2w") for weeks in WEEKS]
    assert ratios == sorted(ratios, reverse=True)


def test_fluid_is_dark_in_one_and_bright_in_the_other():
    for seed in range(20):
        contrast = draw_contrast(40, np.random.default_rng(seed))
        grey = Tissue.CORTEX
        assert contrast.t1w[Tissue.FLUID] < contrast.t1w[grey] and contrast.t2w[Tissue.FLUID] > contrast.t2w[grey]
        assert contrast.t1w[Tissue.AIR] == contrast.t2w[Tissue.AIR] == 0


def test_no_two_scanners_are_alike():
    first, second = (draw_contrast(40, np.random.default_rng(seed)).t1w for seed in (0, 1))
    assert not np.allclose(first, second)
