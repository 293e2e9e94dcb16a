import numpy as np
import pytest

from cerebbids.imaging.t2contrast import GREY_AT, T2W_MEANS, render_t2w
from cerebbids.imaging.tissuemeans import TARGETS


def test_fluid_is_brightest_and_white_matter_darkest():
    csf, gm, wm = T2W_MEANS
    assert wm < gm == GREY_AT < csf
    assert wm / gm == pytest.approx(0.58, abs=0.03)  # 0.70 exp(-100/74) / 0.82 exp(-100/104)


def test_fluid_that_is_darker_than_most_stays_fluid():
    """Ventricles are often far darker than the fluid between folia, where its mean comes from."""
    np.testing.assert_allclose(render_t2w(np.array([-20.0, 0, 30, 50]), TARGETS), T2W_MEANS[0])


def test_a_mixture_of_two_tissues_is_the_same_mixture_in_both_contrasts():
    for first, second in ((0, 1), (1, 2)):
        for share in (0.0, 0.2, 0.7, 1.0):
            t1w = share * TARGETS[first] + (1 - share) * TARGETS[second]
            t2w = share * T2W_MEANS[first] + (1 - share) * T2W_MEANS[second]
            assert render_t2w(np.array([t1w]), TARGETS) == pytest.approx(t2w)
