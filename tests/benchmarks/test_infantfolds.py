import infantfolds
import numpy as np
import pandas as pd
import pytest
from infantfolds import net_of

from cerebbids.errors import UsageError
from cerebbids.training.infants import Infant
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen, run_folder
from tests.training.runs import untrained

SIZES = {"channels_in": 1, "classes": 4, "widths": (4, 4)}
PEOPLE = tuple(f"subject-{place:02d}" for place in range(1, 14))


def infant(person: str) -> Infant:
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[4:12, 4:12, 4:12] = 1 + np.indices((8, 8, 8))[0] % 3
    return Infant(person, person, labels[None].astype(np.float32), labels)


def seen(*people: str) -> Seen:
    return Seen(tuple(f"BCP24-{person}" for person in people))


def test_the_network_of_a_fold_has_not_seen_who_is_tested_on(tmp_path):
    untrained(run_folder(tmp_path, "tissue24", "0"), Recipe("tissue24", 1, "unet", SIZES), seen(*PEOPLE[1:]))
    assert not net_of(tmp_path, "tissue24", 0, (infant(PEOPLE[0]),)).training
    with pytest.raises(UsageError, match=PEOPLE[1]):
        net_of(tmp_path, "tissue24", 0, (infant(PEOPLE[0]), infant(PEOPLE[1])))
    assert net_of(tmp_path, "tissue24", 1) is None


def test_folds_that_are_trained_are_scored_by_networks_that_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(infantfolds, "kit_infants", lambda kit: tuple(map(infant, PEOPLE)))
    for fold in (0, 2):
        others = [person for place, person in enumerate(PEOPLE) if place % 5 != fold]
        untrained(run_folder(tmp_path, "tissue24", str(fold)), Recipe("tissue24", 1, "unet", SIZES), seen(*others))
    judge = Recipe("confidence", 1, "unet", {**SIZES, "channels_in": 4, "classes": 3})
    untrained(run_folder(tmp_path, "confidence", "2"), judge, seen(*PEOPLE))
    infantfolds.main([str(tmp_path)] * 3)
    table = pd.read_csv(tmp_path / "folds_images.tsv", sep="\t").set_index("person")
    assert table["fold"].to_dict() == {person: place % 5 for place, person in enumerate(PEOPLE) if place % 5 in (0, 2)}
    assert table["trust"].notna().to_dict() == {person: table["fold"][person] == 2 for person in table.index}
