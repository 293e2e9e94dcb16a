from pathlib import Path

from cerebbids.cli.train import training_ids
from cerebbids.inference.models import read_bundle
from cerebbids.training.kit import N_FOLDS, oasis_people


def test_people_are_dealt_once_and_the_old_apart(kit: Path):
    people = oasis_people(kit)
    assert len({p.id for p in people}) == len(people) == 20
    assert sorted(p.fold for p in people) == sorted(4 * list(range(N_FOLDS)))
    old = [p.fold for p in people if p.age > 30]
    assert sorted(old) == list(range(N_FOLDS))


def test_a_fold_never_sees_its_people(kit: Path):
    for fold in range(N_FOLDS):
        left_out = {p.id for p in oasis_people(kit) if p.fold == fold}
        seen = set(training_ids(kit, str(fold)))
        assert not left_out & seen
        assert len(left_out | seen) == 20


def test_the_packaged_bundle_tells_whom_it_has_seen(kit: Path):
    told = set(read_bundle(None, "deepceres").training_ids)
    assert told == {f"OASIS-{p.id}" for p in oasis_people(kit)}
