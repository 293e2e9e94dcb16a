import pandas as pd
import pytest
from volumes import compared


def test_young_people_s_lobules_are_held_against_published_ones():
    columns = [f"{side}-{name}" for side in "LR" for name in ("I-II", "III", "IV", "V", "VI")]
    people = pd.DataFrame([[20, *[1.0] * 4, 3, *[0.5] * 4, 6], [34, *[1.0] * 4, 5, *[0.5] * 4, 8], [70, *[9.0] * 10]])
    people.columns = ["age", *columns]
    told = {"left_mean_cm3": [4.0, 8.0], "left_sd": [1, 1], "right_mean_cm3": [4.0, 7.0], "right_sd": [1, 1]}
    table = compared(people, pd.DataFrame({"lobule": ["I-V", "VI"], **told})).set_index(["lobule", "side"])
    assert set(table["n"]) == {2} and table["ratio"].tolist() == pytest.approx([1, 0.5, 0.5, 1])
    assert table.loc[("VI", "right"), "share"] == pytest.approx(7 / 17)
    assert table.loc[("VI", "right"), "published_share"] == pytest.approx(7 / 23)
