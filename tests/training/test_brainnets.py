from dataclasses import replace

import numpy as np
import pytest
import torch

from cerebbids.errors import UsageError
from cerebbids.inference.brains import label_isointense, label_neonate
from cerebbids.nets.build import build
from cerebbids.training.braincases import BrainCase
from cerebbids.training.braincohort import cohort
from cerebbids.training.brainmaps import neonatal_brain
from cerebbids.training.brainnets import isointense_training, neonatal_training
from cerebbids.training.budget import labelled_slices
from cerebbids.training.run import Seen, read_notes
from tests.brains import drawem

SEEN = Seen(("painted",))


def easy_cases(count: int) -> tuple[BrainCase, ...]:
    """Balls of three shells, a brightness each; the second channel's contrast tells the age."""
    cases = []
    for place in range(count):
        rng = np.random.default_rng(place)
        grid = np.stack(np.meshgrid(*[np.arange(36.0)] * 3, indexing="ij")) - rng.uniform(15, 20, (3, 1, 1, 1))
        labels = np.digitize(-np.linalg.norm(grid, axis=0), (-14, -11.5, -9)).astype(np.uint8)
        weeks = float(rng.uniform(28, 44))
        bright = np.stack((labels - 1.6, (labels - 1.6) * (weeks - 20) / 20)) + rng.normal(0, 0.1, (2, *labels.shape))
        cases.append(BrainCase(str(place), np.where(labels > 0, bright, 0).astype(np.float32), labels, weeks))
    return tuple(cases)


def dice(found: np.ndarray, truth: np.ndarray, value: int) -> float:
    a, b = found == value, truth == value
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_texts_defaults():
    isointense, neonatal = isointense_training("fcn").recipe, neonatal_training("neonatal").recipe
    assert (isointense.method, isointense.steps, isointense.learning_rate) == ("sgd", 10_000, 1e-3)
    assert (isointense.momentum, isointense.weight_decay, isointense.schedule) == (0.9, 0.005, "halves")
    assert (neonatal.method, neonatal.learning_rate, neonatal.momentum) == ("sgd", 1e-2, 0.99)
    assert neonatal.nesterov and neonatal.schedule == "poly"
    assert neonatal.sizes["widths"] == (32, 64, 128, 256, 320, 320)


@pytest.mark.long
def test_an_isointense_network_learns(tmp_path):
    cases = easy_cases(4)
    net = isointense_training("fcn", width=4, steps=40, side=32, method="muon")(tmp_path, cases, SEEN, workers=0)
    labels, _ = label_isointense((net,), torch.from_numpy(cases[0].images), 32, (1.0, 1.0, 1.0))
    assert min(dice(labels, cases[0].labels, value) for value in (1, 2, 3)) > 0.75
    assert read_notes(tmp_path)[1] == SEEN


@pytest.mark.parametrize("method", ["muon", "sgd"])
def test_a_neonatal_network_is_trained_on_slices_and_asked(tmp_path, method):
    truth = easy_cases(2)
    known = (labelled_slices(case.labels, "random", 0.33, np.random.default_rng(k)) for k, case in enumerate(truth))
    cases = tuple(replace(case, labels=labels) for case, labels in zip(truth, known, strict=True))
    train = neonatal_training("n", width=4, steps=3, side=32, method=method, age=True)
    net = train(tmp_path, cases, SEEN, workers=0)
    probabilities, age = label_neonate(net, torch.from_numpy(truth[0].images), 32)
    assert probabilities.shape == (10, 36, 36, 36) and torch.isfinite(probabilities).all()
    assert isinstance(age, float) and abs(age) < 5


def test_training_goes_on_from_given_weights_and_leaves_frozen_ones(tmp_path):
    train = neonatal_training("n", width=4, steps=3, side=32, method="muon")
    first = build(train.recipe.architecture, train.recipe.sizes)
    learning = {id(weight) for weight in first.learning("shallow")}
    for weight in first.parameters():
        weight.requires_grad_(id(weight) in learning)
    before = {name: weight.detach().clone() for name, weight in first.named_parameters()}
    frozen = [name for name, weight in first.named_parameters() if not weight.requires_grad]
    net = train(tmp_path, easy_cases(2), SEEN, net=first, workers=0)
    after = dict(net.named_parameters())
    assert frozen and all(torch.equal(after[name], before[name]) for name in frozen)
    assert not torch.equal(after["blocks.4.first.0.weight"], before["blocks.4.first.0.weight"])


def test_a_cohort_is_painted_once(tmp_path):
    brains = (neonatal_brain(drawem()),)
    first = cohort("neonatal", brains, (28, 44), 3, 5, tmp_path, spacing=4.0)
    changed = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    again = cohort("neonatal", brains, (28, 44), 3, 5, tmp_path, spacing=4.0)
    assert [case.weeks for case in first] == [28, 36, 44]
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == changed
    assert all(np.array_equal(a.images, b.images) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"weeks": (30, 44)}, "weeks"), ({"spacing": 5.0}, "spacing"), ({"brains": "other"}, "brains"),
     ({"system": "isointense"}, "system")],
)  # fmt: skip
def test_images_of_another_cohort_are_refused(tmp_path, changed, told):
    brain = neonatal_brain(drawem())
    asked = {
        "system": "neonatal", "brains": (brain,), "weeks": (28, 44), "count": 1, "seed": 5, "folder": tmp_path,
        "spacing": 6.0,
    }  # fmt: skip
    cohort(**asked)
    if told == "brains":
        changed = {"brains": (replace(brain, head=replace(brain.head, name="other")),)}
    with pytest.raises(UsageError, match=rf"5-000.npz.*another cohort \({told}\).*remove the file"):
        cohort(**{**asked, **changed})
