from dataclasses import replace

import norms
import numpy as np
import pytest

from cerebbids.norms import curves


@pytest.mark.parametrize("kind", norms.KINDS)
def test_truth_has_the_people_that_it_says(kind):
    rng = np.random.default_rng(0)
    sample = norms.draw(replace(kind, failed=0.0), 4000, rng)
    truth = norms._truth(kind, sample.ages, None if kind.pooled else sample.male)
    shares = (sample.values[:, None] < truth).mean(0)
    assert 100 * shares == pytest.approx(kind.levels, abs=2)


def test_failed_segmentations_are_among_the_people():
    rng = np.random.default_rng(0)
    kind = next(kind for kind in norms.KINDS if kind.failed)
    assert (norms.draw(kind, 2000, rng).values < 60).mean() == pytest.approx(kind.failed, abs=0.02)


def test_table_of_one_kind(monkeypatch):
    monkeypatch.setattr(norms, "SAMPLES", 3)
    monkeypatch.setattr(norms, "WITH_INTERVALS", 1)
    monkeypatch.setattr(curves, "BOOTSTRAPS", 10)
    rows = [row.split("\t") for row in norms.measure(norms.KINDS[0], 200)]
    assert [row[:3] for row in rows] == [["adults", "200", level] for level in ("5", "50", "95")]
    below = [float(row[3]) for row in rows]
    assert below == pytest.approx(norms.LEVELS, abs=6) and all(0 <= float(row[6]) <= 100 for row in rows)


def test_pooled_people_of_a_sex_lie_on_their_side_of_the_median(monkeypatch):
    monkeypatch.setattr(norms, "SAMPLES", 8)
    monkeypatch.setattr(norms, "WITH_INTERVALS", 1)
    monkeypatch.setattr(curves, "BOOTSTRAPS", 5)
    kind = next(kind for kind in norms.KINDS if kind.pooled)
    shares = {tuple(row.split("\t")[:3:2]): float(row.split("\t")[3]) for row in norms.measure(kind, 25)}
    everybody, women, men = (shares[kind.name + which, "50"] for which in ("", ": women", ": men"))
    assert women > everybody + 10 > everybody - 10 > men
