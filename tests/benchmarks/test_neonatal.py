import numpy as np
import pandas as pd
import pytest
from brainruns import over_seeds
from neonatal import TISSUES, dice_of

from cerebbids.training import neonates


def test_tissues_are_the_classes_but_for_what_is_outside():
    assert {*TISSUES} == {*range(1, 10)} - {neonates.OUTSIDE}


def test_dice_of_every_tissue():
    truth = np.repeat(np.arange(10), 10)
    found = truth.copy()
    found[10:15] = 2  # half of the fluid is called cortex
    told = dice_of(found, truth)
    assert told["CSF"] == pytest.approx(10 / 15) and told["cGM"] == pytest.approx(20 / 25) and told["WM"] == 1
    assert told["mean"] == pytest.approx((10 / 15 + 20 / 25 + 6) / 8)


def test_effects_are_differences_of_seeds_from_the_first_variant():
    variants = ("full", (0.8, 0.9), None), ("axial", (0.7, 0.9), 2.0), ("mean age", (None,) * 2, 5.0)
    rows = [
        {"seed": seed, "variant": variant, **dict.fromkeys(TISSUES.values(), 0.5), "mean": mean, "age_error": error}
        for variant, means, error in variants
        for seed, mean in enumerate(means)
    ]  # fmt: skip
    table = over_seeds(pd.DataFrame(rows), [*TISSUES.values(), "mean", "age_error"]).set_index(["variant", "measure"])
    assert table.loc[("axial", "mean"), "effect"] == pytest.approx(-0.05)
    assert table.loc[("axial", "mean"), "effect_sd"] == pytest.approx(0.1 / 2**0.5)
    assert pd.isna(table.loc[("full", "mean"), "effect"]) and ("full", "age_error") not in table.index
    assert table.loc[("mean age", "age_error"), "mean"] == 5 and ("mean age", "mean") not in table.index
