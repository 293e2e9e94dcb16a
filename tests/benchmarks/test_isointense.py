import pandas as pd
import pytest
from brainruns import over_seeds
from isointense import ALONE, CONTEXT, SHALLOW


def test_effects_are_differences_of_seeds_from_the_network_on_images_alone():
    values = {ALONE: (0.80, 0.90), CONTEXT: (0.82, 0.94), SHALLOW: (0.79, 0.89)}
    images = pd.DataFrame(
        {"seed": seed, "variant": variant, "tissue": "WM", "dice": each[seed] + part, "asd": 1.0, "mhd": 2.0}
        for variant, each in values.items()
        for seed in (0, 1)
        for part in (-0.01, 0.01)  # two images
    )
    table = over_seeds(images, ["dice", "asd", "mhd"], ("tissue",)).set_index(["variant", "measure"])
    assert table.loc[(CONTEXT, "dice"), "effect"] == pytest.approx(0.03)
    assert table.loc[(CONTEXT, "dice"), "effect_sd"] == pytest.approx(0.02 / 2**0.5)
    assert table.loc[(SHALLOW, "dice"), "effect"] == pytest.approx(-0.01)
    assert table.loc[(ALONE, "dice"), ["mean", "n"]].tolist() == pytest.approx([0.85, 2])
    assert pd.isna(table.loc[(ALONE, "dice"), "effect"]) and table.loc[(CONTEXT, "asd"), "effect"] == 0
