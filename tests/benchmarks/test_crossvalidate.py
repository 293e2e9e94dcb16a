from pathlib import Path

import numpy as np
import pytest
from card import MEASURES, accuracy
from crossvalidate import scores, updated

SHAPE = (20, 12, 12)


def by_hand() -> np.ndarray:
    """Neuromorphometrics labels: right hemisphere first, white matter inside, the vermis between."""
    manual = np.zeros(SHAPE, np.uint8)
    manual[1:8, 2:10, 2:10], manual[3:6, 4:8, 4:8] = 38, 40
    manual[12:19, 2:10, 2:10], manual[14:17, 4:8, 4:8] = 39, 41
    for value, z in ((71, 8), (72, 5), (73, 2)):
        manual[8:12, 2:10, z : z + 2] = value
    return manual


def as_lobules(manual: np.ndarray) -> np.ndarray:
    """A perfect answer: Crus I in the hemispheres, V, VI and IX in the vermis, parted in the middle."""
    found = np.select([np.isin(manual, v) for v in ((38, 39), (40, 41), 71, 72, 73)], [6, 13, 4, 5, 11], 0)
    return np.where((np.arange(SHAPE[0]) < SHAPE[0] // 2)[:, None, None] & (found > 0), found + 100, found)


def test_a_perfect_answer_scores_one_everywhere():
    row = scores(as_lobules(by_hand()), by_hand(), (1.0, 1.0, 2.0))
    assert row.pop("hd95_mm") == 0
    assert row.pop("cm3") == pytest.approx((by_hand() > 0).sum() * 2 / 1000)
    assert set(row.values()) == {1.0}


def test_swapped_sides_score_nothing():
    found = as_lobules(by_hand())
    row = scores(np.where(found > 100, found - 100, np.where(found > 0, found + 100, 0)), by_hand(), (1.0, 1.0, 1.0))
    assert row["left"] == row["right"] == 0
    assert row["whole"] == row["white"] == row["vermis_72"] == 1


def test_a_wrong_group_is_seen_in_the_vermis_only():
    found = as_lobules(by_hand())
    found[found % 100 == 11] = 5  # IX called VI
    row = scores(found, by_hand(), (1.0, 1.0, 1.0))
    assert row["vermis_73"] == 0 and row["vermis_72"] < 1 and row["vermis_71"] == 1
    assert row["whole"] == row["left"] == row["right"] == 1


def test_folds_that_are_scored_later_join_the_table_and_replace_their_own_rows(tmp_path: Path):
    def row(person: str, fold: int, value: float) -> dict:
        return {"id": person, "fold": fold, **dict.fromkeys(MEASURES, value)}

    path = tmp_path / "table.tsv"
    updated(path, [row("b", 0, 0.8), row("d", 0, 0.9)]).to_csv(path, sep="\t", index=False)
    updated(path, [row("a", 1, 0.5), row("c", 1, 0.6)]).to_csv(path, sep="\t", index=False)
    table = updated(path, [row("b", 0, 1.0), row("d", 0, 1.5)])
    assert table[["id", "whole"]].to_numpy().tolist() == [["a", 0.5], ["b", 1.0], ["c", 0.6], ["d", 1.5]]
    assert "| whole cerebellum, Dice | 0.900 | 0.455 | 0.500 | 4 |" in accuracy(table)
