from pathlib import Path

import numpy as np
import pytest
import torch

from cerebbids.inference.inputs import standardise_inside
from cerebbids.inference.trust import OUTSIDE, RIGHT, WRONG, confidence, shown
from cerebbids.training.confidence import error_map, judged
from cerebbids.training.infantpatches import SIDE, InfantPatches
from cerebbids.training.infants import Infant, box_around, fold_of, kit_infants
from cerebbids.training.loss import weighted_cross_entropy
from cerebbids.training.recipe import Recipe

RNG = np.random.default_rng(0)


def infant(name: str = "a", person: str = "a", shape: tuple = (40, 36, 34)) -> Infant:
    """Labels that rise along x, so that a mirror image is told from the image; image and weights tell the labels."""
    labels = np.zeros(shape, np.uint8)
    for label in (1, 2, 3):
        labels[8 * label : 8 * label + 8, 4:-4, 4:-4] = label
    return Infant(name, person, labels[None].astype(np.float32), labels, labels.astype(np.float32) / 3)


def test_a_cut_out_keeps_a_margin_within_the_image():
    inside = np.zeros((30, 30, 30), bool)
    inside[2:5, 10:20, 25:30] = True
    assert box_around(inside, 4) == (slice(0, 9), slice(6, 24), slice(21, 30))


def test_images_are_standardised_by_what_is_inside():
    image, inside = RNG.normal(600, 90, (8, 8, 8)), RNG.random((8, 8, 8)) < 0.5
    told = standardise_inside(image, inside)
    assert told.dtype == np.float32 and not told[~inside].any()
    assert told[inside].mean() == pytest.approx(0, abs=1e-4) and told[inside].std() == pytest.approx(1, abs=1e-4)


def test_images_of_one_person_are_in_one_fold():
    folds = fold_of((infant("a1", "a"), infant("a2", "a"), infant("b1", "b"), infant("c1", "c")), folds=2)
    assert folds == {"a": 0, "b": 1, "c": 0}


def test_image_labels_and_weights_of_a_patch_are_of_one_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cerebbids.training.infantpatches.varied", lambda image, rng: image)
    examples = InfantPatches((infant(),), Recipe("tissue", 40, batch=1))
    rising = 0
    for place in range(40):
        image, target = examples[place]
        assert image.shape == (1, SIDE, SIDE, SIDE) and target.shape == (2, SIDE, SIDE, SIDE)
        assert torch.allclose(target[1], target[0] / 3)
        brightness = [image[0][target[0] == label] for label in target[0].unique()]
        means = torch.stack([values.mean() for values in brightness])
        assert not brightness[0].any() or target[0].all()
        assert all(values.std(unbiased=False) < 0.32 for values in brightness) and (means.diff() > 0).all()
        profile = target[0, :, SIDE // 2, SIDE // 2]
        rising += bool((profile[profile > 0].diff() >= 0).all())
    assert 8 <= rising <= 32  # mirrored half of the time


def test_patches_are_the_same_whoever_asks():
    first, second = (InfantPatches((infant("a"), infant("b")), Recipe("tissue", 9)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first[7], second[7], strict=True))


def test_an_error_is_told_from_a_right_label_and_from_nothing():
    truth, answer = np.array([0, 0, 1, 2, 3]), np.array([0, 1, 1, 3, 0])
    assert error_map(answer, truth).tolist() == [OUTSIDE, WRONG, RIGHT, WRONG, WRONG]


def test_a_judge_sees_labels_and_probabilities_and_no_image():
    probabilities = torch.softmax(torch.randn(4, 6, 6, 6, generator=torch.Generator().manual_seed(0)), 0)
    case = Infant("a", "a", np.zeros((1, 6, 6, 6), np.float32), probabilities.argmax(0).numpy().astype(np.uint8))
    told = judged(case, probabilities)
    assert np.array_equal(told.images, shown(probabilities).numpy()) and told.images.shape[0] == 4
    assert set(np.unique(told.labels)) <= {OUTSIDE, RIGHT}
    assert np.array_equal(told.weights, np.where(told.labels == OUTSIDE, 0.5, 1).astype(np.float32))


def test_confidence_is_that_of_a_label_where_there_is_one():
    judgement = torch.tensor([[0.0, 0.9], [0.2, 0.02], [0.8, 0.08]]).reshape(3, 2, 1, 1)
    assert confidence(judgement).flatten().tolist() == pytest.approx([0.8, 0.8])


def test_labels_without_weight_teach_nothing():
    logits = torch.randn(1, 4, 4, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels, weights = torch.zeros(1, 4, 4, 4), torch.ones(1, 4, 4, 4)
    weights[..., 0] = 0
    weighted_cross_entropy(logits, torch.stack((labels, weights), 1)).backward()
    assert not logits.grad[..., 0].any() and logits.grad[..., 1:].any()
    plain = torch.nn.functional.cross_entropy(logits, labels.long())
    assert torch.isclose(weighted_cross_entropy(logits, torch.stack((labels, torch.ones_like(labels)), 1)), plain)


def test_images_and_labels_of_the_kit_lie_on_each_other(kit: Path):
    infants = kit_infants(kit)
    assert len(infants) == 13 and len({each.person for each in infants}) == 13
    for each in infants:
        assert each.images.shape[1:] == each.labels.shape and set(np.unique(each.labels)) == {0, 1, 2, 3}
        csf, gm, wm = (each.images[0][each.labels == label].mean() for label in (1, 2, 3))
        assert csf < gm < wm and abs(each.images[0][each.labels == 0]).mean() < 0.01
