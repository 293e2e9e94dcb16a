import numpy as np
import pandas as pd
import pytest
from brainruns import over_seeds
from neonatal import AGE_PAIRS, DICE, MEAN, MUON, OWN, SGD, SIDE, TEXT, TISSUES, dice_of, summed

from cerebbids.nets.ageunet import STRATEGIES
from cerebbids.nets.build import build
from cerebbids.training import neonates
from cerebbids.training.brainnets import neonatal_training


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


def test_an_age_head_is_held_against_the_same_network_without_it_and_ages_against_their_mean():
    dice, errors = {MUON: 0.9, SGD: 0.8, TEXT: 0.7, OWN: 0.88}, {TEXT: 4.0, OWN: 2.0, MEAN: 5.0}
    rows = [
        {"seed": seed, "variant": variant, **dict.fromkeys(DICE, dice.get(variant)), "age_error": errors.get(variant)}
        for seed in (0, 1)
        for variant in (MUON, SGD, TEXT, OWN, MEAN)
    ]
    table = summed("age", pd.DataFrame(rows)).set_index(["variant", "measure"])
    assert table.loc[(TEXT, "WM"), "effect"] == pytest.approx(-0.1) and table.loc[(TEXT, "WM"), "against"] == SGD
    assert table.loc[(OWN, "mean"), "effect"] == pytest.approx(-0.02)
    assert table.loc[(TEXT, "age_error"), "effect"] == -1 and table.loc[(OWN, "age_error"), "effect"] == -3
    assert (SGD, "age_error") not in table.index and (MEAN, "mean") not in table.index
    assert {against for against, _, _ in AGE_PAIRS} == {MUON, SGD, MEAN}


def test_strategies_differ_at_the_size_of_the_benchmark():
    recipe = neonatal_training("transfer", width=8, side=SIDE).recipe
    net = build(recipe.architecture, recipe.sizes)
    learning = [{id(weight) for weight in net.learning(name)} for name in (*STRATEGIES, "full")]
    assert all(fewer < more for fewer, more in zip(learning, learning[1:], strict=False))
    left = {id(weight) for part in (net.blocks[0], net.rises[-1]) for weight in part.parameters()}
    assert not left & learning[-2]
