import norms
import numpy as np
import pytest

from cerebbids.norms import curves


@pytest.mark.parametrize("kind", norms.KINDS)
def test_truth_has_the_people_that_it_says(kind):
    rng = np.random.default_rng(0)
    sample = norms.draw(norms.Kind(kind.name, kind.span, kind.value), 4000, rng)
    truth = norms._truth(kind, sample.ages, sample.male)
    shares = (sample.values[:, None] < truth).mean(0)
    assert 100 * shares == pytest.approx(norms.LEVELS, abs=2)


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
