import pandas as pd
from card import MEASURES, VERMIS, beside_others, cascade_accuracy

COLUMNS = (*MEASURES, *(f"own_vermis_{value}" for value in VERMIS), "lobules")


def row(person: str, fold: int, by: str, value: float) -> dict:
    return {"id": person, "fold": fold, "by": by, **dict.fromkeys(COLUMNS, value)}


def test_the_cascade_is_summed_up_over_people_and_its_answers_over_folds():
    people = (("a", 0, 0.8), ("b", 0, 1.0), ("c", 1, 0.6))
    answers = {"dpn": -0.1, "nets": 0.0}
    rows = [row(person, fold, by, value + more) for person, fold, value in people for by, more in answers.items()]
    table = pd.DataFrame(rows)
    in_one_fold = [row(person, fold, "flip", value + 0.1) for person, fold, value in people if fold == 0]
    some = cascade_accuracy(pd.concat([table, pd.DataFrame(in_one_fold)])).splitlines()
    assert "| flip, fold 0 | 2 | 1.0000 | 1.0000 | 1.0000 | 1.0000 |" in some
    assert "| nets, fold 0 | 2 | 0.9000 | 0.9000 | 0.9000 | 0.9000 |" in some
    lines = cascade_accuracy(table).splitlines()
    assert "| whole cerebellum, Dice | 0.800 | 0.200 | 0.600 | 3 |" in lines
    assert "| vermis VI-VII, Dice | 0.800 | 0.200 | 0.600 | 3 |" in lines
    assert lines[-2:] == [
        "| dpn | 3 | 0.7000 (0.2121) | 0.7000 (0.2121) | 0.7000 (0.2121) | 0.7000 (0.2121) |",
        "| nets | 3 | 0.8000 (0.2121) | 0.8000 (0.2121) | 0.8000 (0.2121) | 0.8000 (0.2121) |",
    ]


def test_methods_are_compared_person_by_person_and_small_distances_are_good():
    ids = [f"OASIS-{number}" for number in range(6)]
    base = {column: [0.90, 0.91, 0.92, 0.93, 0.94, 0.95] for column in MEASURES}
    own = pd.DataFrame({"id": ids, "by": "nets", **base})
    other = pd.DataFrame({"id": ids[::-1], **{column: values[::-1] for column, values in base.items()}})
    other[list(MEASURES)] = other[list(MEASURES)].sub([0.001 * (number + 1) for number in range(6)], axis=0)
    cascade = pd.concat([own, own.assign(by="dpn")])
    lines = beside_others(cascade, other, other.assign(library="exemplars")).splitlines()
    assert "| whole cerebellum, Dice | 0.9250 | 0.9215 | 6 of 6 | 0.031 | 0.9215 | 6 of 6 | 0.031 |" in lines
    assert "| Hausdorff distance, 95 %, mm | 0.9250 | 0.9215 | 0 of 6 | 0.031 | 0.9215 | 0 of 6 | 0.031 |" in lines
    assert len(lines) == 2 + len(MEASURES) - 1
