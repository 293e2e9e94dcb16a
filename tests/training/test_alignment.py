import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.nets.displacement import doubled, integrate
from cerebbids.training.alignment import PairedPeople, alignment_loss, half_shares, soft_dice
from cerebbids.training.augmentation import Case
from cerebbids.training.recipe import Recipe
from cerebbids.training.surroundings import Surroundings

SHAPE = (32, 32, 32)
MIRROR = load_scheme("Lobules").mirror


def person(shift: int) -> Case:
    t1w, labels = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.uint8)
    place = (slice(6, 18), slice(8 + shift, 22 + shift), slice(8, 24))
    t1w[place], labels[place] = 0.6 + 0.02 * np.arange(14)[:, None], 5
    return Case(str(shift), t1w, labels)


def stream() -> PairedPeople:
    head = Surroundings(outside=np.ones(SHAPE, bool), image=np.full(SHAPE, 0.5, np.float32))
    return PairedPeople((person(0), person(3)), (head,), MIRROR, Recipe("deform", steps=40))


def target(fixed: Case, moving: Case) -> torch.Tensor:
    near = np.ones(SHAPE, np.float32)
    volumes = (fixed.t1w, moving.t1w, near, fixed.labels, moving.labels)
    return torch.from_numpy(np.stack(volumes).astype(np.float32))[None]


def shifted_by(voxels: float) -> torch.Tensor:
    displacement = torch.zeros(1, 1, 3, 16, 16, 16)
    displacement[:, :, 1] = voxels / 2
    return displacement


def test_an_example_shows_what_its_target_is_about():
    examples = stream()
    seen = [examples[place] for place in range(12)]
    for pair, about in seen:
        assert pair.shape == (2, *SHAPE) and about.shape == (5, *SHAPE)
        fixed, moving, near, named, names = about
        assert fixed[named > 0].mean() > fixed[named == 0].mean() + 1
        assert moving[names > 0].mean() > moving[names == 0].mean() + 1
        assert near[named > 0].min() == 1 and near.mean() < 0.9
    sides = {int(volume.max()) for _, about in seen for volume in about[3:]}
    assert sides == {5, MIRROR[5]}  # mirrored people have the other side's labels
    assert all(bool(about[3, 8].any()) == bool((about[3] == 5).any()) for _, about in seen)  # left is low x
    corners = {round(float(pair[0, 0, 0, 0]), 1) > -0.9 for pair, _ in seen}
    assert corners == {True, False}  # half of the fixed ones are in a head


def test_the_same_item_is_the_same_pair():
    assert torch.equal(stream()[3][0], stream()[3][0])
    assert not torch.equal(stream()[3][0], stream()[4][0])


def test_the_loss_is_least_where_the_person_comes_to_lie_on_the_other():
    about = target(person(0), person(3))
    losses = {voxels: float(alignment_loss(shifted_by(voxels), about, 27)) for voxels in (0, 1.5, 3, 4.5, -3)}
    assert min(losses, key=losses.__getitem__) == 3
    assert losses[-3] > losses[0] > losses[1.5]


def test_rough_displacements_cost():
    about = target(person(0), person(0))
    rough = doubled(integrate(torch.randn(1, 3, 8, 8, 8, generator=torch.Generator().manual_seed(0))))[None]
    assert alignment_loss(rough, about, 27) > alignment_loss(0 * rough, about, 27) + 0.1


def test_labels_count_as_the_soft_dice_of_their_shares():
    a = half_shares(torch.from_numpy(person(0).labels.astype(np.int64))[None, None], 27)
    b = half_shares(torch.from_numpy(person(7).labels.astype(np.int64))[None, None], 27)
    assert float(a.sum(1).min()) == float(a.sum(1).max()) == 1
    assert float(soft_dice(a, a)) == pytest.approx(1 / 26, abs=1e-3)  # one label of 26 is there
    assert float(soft_dice(a, b)) == pytest.approx(0.5 / 26, abs=1e-3)
