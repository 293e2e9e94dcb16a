import pandas as pd
import pytest

from cerebbids.imaging.cohort import LEAST, asymmetries, changes, spread_of, with_outliers

VALUES = [10.0, 12.0, 11.0, 13.0, 14.0, 30.0]
"""Mean 15, deviations -5 -3 -4 -2 -1 15 with 280 for the sum of their squares; quartiles 11.25 and 13.75."""


def table(values: list, name: str = "VI") -> pd.DataFrame:
    return pd.DataFrame({"name": name, "volume_mm3": pd.array(values, dtype="Float64")})


def test_z_and_fences_are_those_computed_by_hand():
    found = with_outliers(table(VALUES))
    sd = (280 / 5) ** 0.5
    assert found["z"].tolist() == [round((value - 15) / sd, 3) for value in VALUES]
    spread = spread_of(VALUES)
    assert (spread.q1, spread.median, spread.q3) == (11.25, 12.5, 13.75)
    assert spread.fences == (7.5, 17.5)
    assert found["iqr_outlier"].tolist() == [False] * 5 + [True]


def test_value_on_the_fence_is_no_outlier():
    # Of 1, 2, 3, 4 and 7 the quartiles are 2 and 4, and the upper fence is 7.
    assert with_outliers(table([1.0, 2, 3, 4, 7]))["iqr_outlier"].tolist() == [False] * 5


def test_regions_are_compared_with_themselves_alone():
    both = pd.concat([table(VALUES), table([1000 * value for value in VALUES], "Crus I")], ignore_index=True)
    found = with_outliers(both)
    assert found["z"].tolist()[:6] == found["z"].tolist()[6:]


@pytest.mark.parametrize("known", [0, 1, LEAST - 1, LEAST])
def test_few_images_tell_of_no_outlier(known):
    found = with_outliers(table([*VALUES[:known], None, None]))
    told = [k < known for k in range(known + 2)] if known == LEAST else [False] * (known + 2)
    assert found["z"].notna().tolist() == found["iqr_outlier"].notna().tolist() == told


def test_images_that_are_all_the_same_have_no_z_and_no_outlier():
    found = with_outliers(table([5.0] * 6))
    assert found["z"].isna().all() and found["iqr_outlier"].tolist() == [False] * 6


def test_asymmetry_is_above_zero_on_the_right_and_missing_where_there_is_nothing():
    names = ["Left X", "Right X", "Left I-II", "Right I-II", "Left cerebellum", "Right cerebellum", "Cerebellum"]
    sides = ["left", "right"] * 3 + ["both"]
    volumes = [600.0, 500, 0, 0, 0, 50, 1150]
    frame = pd.DataFrame({"image": "a", "name": names, "hemisphere": sides, "volume_mm3": volumes})
    found = asymmetries(frame, ["image"]).set_index("name")["asymmetry_percent"]
    assert found["X"] == round(100 * (500 - 600) / 550, 3) and found["cerebellum"] == 200
    assert pd.isna(found["I-II"]) and len(found) == 3


def test_change_from_nothing_has_no_percent_and_images_without_a_pair_have_none():
    rows = [
        ("a", "ses-1", "VI", 200.0),
        ("a", "ses-1", "X", 0.0),
        ("b", "ses-2", "VI", 150.0),
        ("b", "ses-2", "X", 3.0),
    ]
    frame = pd.DataFrame(
        [
            {"participant_id": "sub-1", "session_id": session, "image": image, "index": pd.NA, "name": name}
            | {"hemisphere": "both", "tissue": "GM", "volume_mm3": volume}
            for image, session, name, volume in rows
        ]
    ).astype({"index": "Int64", "volume_mm3": "Float64"})
    found = changes(frame, [("a", "b")], {"sub-1": "acq_time"}).set_index("name")
    assert found["change_mm3"].to_dict() == {"VI": -50, "X": 3}
    assert found.loc["VI", "change_percent"] == -25 and pd.isna(found.loc["X", "change_percent"])
    assert set(found["earlier_session"]) == {"ses-1"} and set(found["session_order"]) == {"acq_time"}
