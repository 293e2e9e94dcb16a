import pytest
import torch

from cerebbids.nets.build import build
from cerebbids.nets.prior import FAINT, prior_logits
from cerebbids.training.recipe import CASCADE
from cerebbids.training.tasks import start_from_prior


@pytest.mark.parametrize("recipe", CASCADE, ids=lambda recipe: recipe.net)
def test_an_untrained_network_of_the_cascade_answers_with_the_guess(recipe):
    net = build(recipe.architecture, recipe.sizes)
    start_from_prior(net)
    x = torch.randn(1, recipe.sizes["channels_in"], 16, 16, 16)
    channels = sorted(set(recipe.sizes["prior"]))
    shares = torch.randn(1, len(channels) + 1, 16, 16, 16).mul(3).softmax(1)
    x[:, channels] = shares[:, 1:]
    found = net.eval()(x).argmax(1)
    assert torch.equal(found, shares.argmax(1)) and found.max() == shares.shape[1] - 1


def test_halves_that_share_a_channel_do_not_take_from_the_background():
    x = torch.tensor([0.25, 0.5]).reshape(1, 2, 1, 1, 1)
    found = prior_logits(x, (0, 1, 0, 1)).exp().flatten() - FAINT
    assert found.tolist() == pytest.approx([0.25, 0.25, 0.5, 0.25, 0.5])


def test_shares_that_sum_up_to_more_than_one_leave_no_background():
    assert torch.isfinite(prior_logits(torch.full((1, 2, 1, 1, 1), 0.7), (0, 1))).all()
