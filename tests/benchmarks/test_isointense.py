from argparse import Namespace

import isointense
import pandas as pd
import pytest
from isointense import ALONE, CONTEXT, LONGER, SHALLOW, TAKEN, summed

from cerebbids.training.brainmaps import isointense_brain
from cerebbids.training.infantmaps import as_head_map
from cerebbids.training.run import read_notes
from cerebbids.training.takeover import take_over
from tests.brains import ids


def test_effects_are_differences_of_seeds_from_the_network_on_images_alone():
    values = {ALONE: (0.80, 0.90), CONTEXT: (0.82, 0.94), SHALLOW: (0.79, 0.89), LONGER: (0.9, 0.9), TAKEN: (0.9, 0.92)}
    images = pd.DataFrame(
        {"seed": seed, "variant": variant, "tissue": "WM", "dice": each[seed] + part, "asd": 1.0, "mhd": 2.0}
        for variant, each in values.items()
        for seed in (0, 1)
        for part in (-0.01, 0.01)  # two images
    )
    images.loc[images.index[0], "mhd"] = None
    table = summed(images).fillna({"against": ""}).set_index(["variant", "measure", "against"])["effect"]
    assert table.loc[(TAKEN, "dice", LONGER)] == pytest.approx(0.01)
    assert table.loc[(CONTEXT, "dice", LONGER)] == pytest.approx(-0.02)
    assert table.loc[(CONTEXT, "dice", ALONE)] == pytest.approx(0.03)
    table = summed(images).drop_duplicates(["variant", "measure"]).set_index(["variant", "measure"])
    assert table.loc[(ALONE, ["dice", "mhd"]), "images"].tolist() == [4, 3]
    assert table.loc[(CONTEXT, "dice"), "effect_sd"] == pytest.approx(0.02 / 2**0.5)
    assert table.loc[(SHALLOW, "dice"), "effect"] == pytest.approx(-0.01)
    assert table.loc[(ALONE, "dice"), ["mean", "n"]].tolist() == pytest.approx([0.85, 2])
    assert pd.isna(table.loc[(ALONE, "dice"), "effect"]) and table.loc[(CONTEXT, "asd"), "effect"] == 0


@pytest.mark.long
def test_all_variants_are_trained_on_other_brains_than_the_one_tested_on(tmp_path, monkeypatch):
    monkeypatch.setattr(isointense, "LEARNT_FROM", 2)
    monkeypatch.setattr(isointense, "TESTED_ON", 1)
    monkeypatch.setattr(isointense, "SIDE", 16)
    given = []
    monkeypatch.setattr(isointense, "take_over", lambda *parts: given.extend(take_over(*parts)))
    brains = tuple(isointense_brain(as_head_map(ids(), f"age-{month:02}mo", month)) for month in (5, 6))
    asked = Namespace(width=2, steps=1, spacing=4.0)
    told = pd.DataFrame(isointense.rows(0, brains, tmp_path, asked))
    assert told.groupby("variant")["tissue"].nunique().to_dict() == dict.fromkeys(
        (ALONE, CONTEXT, SHALLOW, LONGER, TAKEN), 3
    )
    assert any(name.startswith("streams.0.") for name in given)
    assert read_notes(tmp_path / "seed-0" / "taken")[1].surroundings == ("age-05mo",)
