import numpy as np
import pytest

from cerebbids.norms import curves
from cerebbids.norms.calibration import cross_validated, summary
from cerebbids.norms.cohort import Sample
from cerebbids.norms.curves import curves_of, fit_sample, levels_for, usable
from cerebbids.norms.model import Form, fit
from tests.norms.simulated import draw, true_centiles

GRID = np.linspace(22, 80, 30)


@pytest.fixture
def few_bootstraps(monkeypatch):
    monkeypatch.setattr(curves, "BOOTSTRAPS", 30)


@pytest.mark.parametrize("male", [False, True])
def test_finds_known_centiles(male):
    sex, levels = np.full(30, male), (5, 50, 95)
    fits = [fit_sample(draw(1000, seed), levels=levels).at(GRID, sex) for seed in range(3)]
    truth = true_centiles(GRID, sex, levels)
    spread = truth[:, 2] - truth[:, 0]
    assert (np.abs(np.mean(fits, 0) - truth) / spread[:, None]).mean(0).max() < 0.06


def test_share_of_new_people_below_centiles():
    """Averaged over samples, new people lie below the centiles as often as these say; without folds less exactly so."""
    levels, shares = (5.0, 50.0, 95.0), []
    for seed in range(15):
        sample, new = draw(100, seed), draw(2000, 1000 + seed, span=(20, 83))
        model = fit_sample(sample, levels=levels)
        plain = fit(sample.ages, sample.male, sample.values, model.form, levels)
        shares.append([(new.values[:, None] < one.at(new.ages, new.male)).mean(0) for one in (model, plain)])
    folded, plain = 100 * np.mean(shares, 0)
    assert np.abs(folded - levels).max() < 2
    assert folded[2] - folded[0] > plain[2] - plain[0] + 1.5


@pytest.mark.parametrize("people", [40, 60, 300])
def test_centiles_never_cross(people):
    for seed in range(5):
        model = fit_sample(draw(people, seed))
        assert (np.diff(model.at(np.linspace(18, 85, 200), np.arange(200) % 2 == 0)) >= 0).all()


def test_failed_segmentations_hardly_move_the_median():
    clean = draw(200, 0)
    values = clean.values.copy()
    values[::20] = 100  # 5 % of the images
    spoilt = Sample(clean.structure, clean.measure, clean.people, clean.ages, clean.male, values)
    before, after = (fit_sample(one, levels=(25, 50, 75)).at(GRID, GRID > 0) for one in (clean, spoilt))
    spread = (before[:, 2] - before[:, 0]).mean()
    assert np.abs(after[:, 1] - before[:, 1]).mean() < 0.15 * spread


def test_growth_of_children_is_followed():
    rng = np.random.default_rng(0)
    ages = rng.uniform(0.1, 20, 400)
    truth = 120 - 90 * np.exp(-ages)
    values = truth * (1 + 0.05 * rng.standard_normal(400))
    male = rng.random(400) < 0.5
    found = fit(ages, male, values, Form.of(ages, 400, by_sex=True), (50,)).at(ages, male)[:, 0]
    assert np.median(np.abs(found - truth) / truth) < 0.02


def test_one_age_or_one_sex():
    sample = draw(60, 0)
    for ages, male in ((np.full(60, 25.0), sample.male), (sample.ages, np.zeros(60, bool))):
        model = fit_sample(Sample("VI", "volume_mm3", sample.people, ages, male, sample.values))
        assert np.isfinite(model.at(ages, male)).all()


def test_whole_ages_with_ties():
    sample = draw(80, 0)
    ages = np.round(sample.ages / 10) * 10
    model = fit_sample(Sample("VI", "volume_mm3", sample.people, ages, sample.male, np.round(sample.values, -2)))
    assert np.isfinite(model.at(ages, sample.male)).all()


def test_curves_tell_uncertainty_that_shrinks_with_people(few_bootstraps):
    widths = []
    for people in (60, 600):
        curve = curves_of(draw(people, 1), 0)["female"]
        known = np.isfinite(curve.values[:, 0])
        k = curve.levels.index(50)
        assert (curve.low[known, k] < curve.values[known, k]).all()
        assert (curve.values[known, k] < curve.high[known, k]).all()
        widths.append((curve.high - curve.low)[known, k].mean())
    assert widths[1] < 0.75 * widths[0]  # there are more knots, too


def test_curves_are_the_same_again(few_bootstraps):
    first, again, other = (curves_of(draw(80, 1), seed)["male"] for seed in (0, 0, 1))
    assert np.array_equal(first.low, again.low, equal_nan=True) and not np.array_equal(
        first.low, other.low, equal_nan=True
    )
    assert np.array_equal(first.values, other.values, equal_nan=True)


def test_uncertainty_counts_people_and_not_images(few_bootstraps):
    once = draw(80, 1)
    thrice = once.take(np.repeat(np.arange(80), 3))
    single, repeated = (curves_of(one, 0)["female"] for one in (once, thrice))
    assert repeated.n[0] == single.n[0] == once.count(False)
    k = single.levels.index(50)
    width, again = (np.nanmean((curve.high - curve.low)[:, k]) for curve in (single, repeated))
    assert again > 0.8 * width


def test_no_centiles_where_there_is_nobody(few_bootstraps):
    young, old = draw(60, 1, span=(18, 25)), draw(60, 2, span=(70, 85))
    both = Sample("VI", "volume_mm3", *(np.concatenate(pair) for pair in zip(
        (young.people, young.ages, young.male, young.values),
        (np.char.add(old.people, "b"), old.ages, old.male, old.values), strict=True,
    )))  # fmt: skip
    curve = curves_of(both, 0)["female"]
    gap = (curve.ages > 35) & (curve.ages < 60)
    assert gap.any() and np.isnan(curve.values[gap]).all()
    assert np.isfinite(curve.values[curve.ages < 24]).any()


def test_volumes_are_not_below_nothing_but_asymmetries_are(few_bootstraps):
    sample = draw(80, 0)
    small = np.maximum(sample.values - 6000, 1.0)
    for measure, negative in (("volume_mm3", False), ("asymmetry_percent", True)):
        values = sample.values - 6000 if negative else small
        curve = curves_of(Sample("I-II", measure, sample.people, sample.ages, sample.male, values), 0)["female"]
        assert (np.nanmin(curve.low) < 0) == negative


def test_too_few_people():
    assert usable(draw(19, 0))[1].startswith("fewer than 20 people")
    sample = draw(80, 0)
    men = np.flatnonzero(sample.male)
    few_men = sample.take(np.sort(np.concatenate([np.flatnonzero(~sample.male), men[:10]])))
    more = draw(60, 3)
    women = more.take(~more.male)
    joined = Sample("VI", "volume_mm3", *(np.concatenate(pair) for pair in zip(
        (few_men.people, few_men.ages, few_men.male, few_men.values),
        (np.char.add(women.people, "b"), women.ages, women.male, women.values), strict=True,
    )))  # fmt: skip
    kept, why = usable(joined)
    assert why == "" and not kept.male.any() and kept.count() == joined.count(False) and not kept.pooled


def of_sexes(women, men):
    """A sample of so many women and men."""
    sample = draw(200, 0)
    return sample.take(np.concatenate([np.flatnonzero(~sample.male)[:women], np.flatnonzero(sample.male)[:men]]))


@pytest.mark.parametrize(("women", "men", "curves_of_it"), [
    (20, 20, {"female": 20, "male": 20}), (60, 10, {"female": 60}), (20, 19, {"both": 39}), (30, 15, {"both": 45}),
    (15, 5, {"both": 20}), (30, 4, {"female": 30}), (0, 25, {"male": 25}), (18, 4, {}), (15, 4, {}),
])  # fmt: skip
def test_few_people_are_pooled_where_there_are_some_of_both_sexes(women, men, curves_of_it):
    kept, why = usable(of_sexes(women, men))
    assert bool(why) == (not curves_of_it)
    assert why or {sex: kept.take(rows).count() for sex, rows in kept.by_curve().items()} == curves_of_it


def test_one_curve_for_both_sexes(few_bootstraps):
    sample, _ = usable(of_sexes(18, 12))
    ((sex, curve),) = curves_of(sample, 0).items()
    assert sex == "both" and curve.levels == (10, 25, 50, 75, 90) and set(curve.n) == {30}
    known = np.isfinite(curve.values[:, 0])
    assert known.any() and (np.diff(curve.values[known], axis=1) >= 0).all()
    assert (curve.low[known] <= curve.values[known]).all() and (curve.high > curve.low)[known].all()
    model = fit_sample(sample)
    ages = np.linspace(25, 75, 9)
    assert np.array_equal(model.at(ages, np.ones(9, bool)), model.at(ages, np.zeros(9, bool)))
    shares = {(one.group, one.level): one.below for one in cross_validated(sample, 0)}
    assert shares["female", 50] > shares["male", 50]  # whose volumes are larger


def test_values_that_do_not_spread():
    sample = draw(80, 0)
    flat = Sample("I-II", "volume_mm3", sample.people, sample.ages, sample.male, np.zeros(80))
    assert usable(flat)[1] == "half of the values are the same"


def test_outer_centiles_want_more_people():
    assert levels_for(40)[0] == 5 and levels_for(80)[0] == 2.5 and levels_for(200)[0] == 1


def test_calibration_counts_people_not_in_the_fit():
    found = cross_validated(draw(200, 5), 0)
    shares = {one.level: one.below for one in found if one.group == "all"}
    assert abs(shares[5] - 5) < 4 and abs(shares[50] - 50) < 9 and abs(shares[95] - 95) < 4
    assert {one.group for one in found} == {"all", "female", "male", "younger", "middle", "older"}
    assert sum(one.n for one in found if one.group in ("female", "male") and one.level == 50) == 200
    assert summary(found)["50"] == dict.fromkeys(("mean", "lowest", "highest"), round(shares[50], 2))


def test_calibration_sees_a_model_that_is_wrong(monkeypatch):
    """Were the scale of residuals halved, people outside would show it."""
    from cerebbids.norms import calibration

    def halved(*arguments):
        model = fit_sample(*arguments)
        return type(model)(model.form, model.median, model.scale - np.log(2) * (np.arange(len(model.scale)) == 0) -
                           np.log(2) * (np.arange(len(model.scale)) == 1), model.levels, model.shape)  # fmt: skip

    monkeypatch.setattr(calibration, "fit_sample", halved)
    shares = {one.level: one.below for one in calibration.cross_validated(draw(200, 5), 0) if one.group == "all"}
    assert shares[5] > 12 and shares[95] < 88


def test_folds_are_of_people(monkeypatch):
    from cerebbids.norms import calibration

    sample = draw(60, 0)
    thrice, seen = sample.take(np.repeat(np.arange(60), 3)), []

    def noted(part, *rest):
        seen.append(part)
        return fit_sample(part, *rest)

    monkeypatch.setattr(calibration, "fit_sample", noted)
    calibration.cross_validated(thrice, 0)
    assert len(seen) == 10 and all(len(part.values) == 3 * part.count() for part in seen)
    assert sum(60 - part.count() for part in seen) == 60
