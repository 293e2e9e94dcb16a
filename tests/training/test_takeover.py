import pytest
import torch

from cerebbids.nets.multistream import MultiStream
from cerebbids.training.takeover import T1W_PATH, encoder, take_over

WIDTHS = (4, 8, 8, 8)


def with_random_statistics(net: torch.nn.Module, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for weights in net.state_dict().values():
        if weights.is_floating_point():
            weights.copy_(torch.rand(weights.shape, generator=generator))
    return net


def test_the_path_of_t1w_is_taken_over_and_nothing_else():
    alone = with_random_statistics(MultiStream((1,), 4, WIDTHS), 1).state_dict()
    net = with_random_statistics(MultiStream((1, 1), 4, WIDTHS), 2)
    before = {name: weights.clone() for name, weights in net.state_dict().items()}
    given = take_over(net, alone, T1W_PATH)
    for name, weights in net.state_dict().items():
        assert torch.equal(weights, alone[name] if name in given else before[name])
    assert {name.split(".")[0] for name in given} == {"streams", "rises", "decoder", "heads"}
    assert {name for name in before if name not in given} == {
        name for name in before if name.startswith(("streams.1.", "fusion."))
    }


def test_the_encoder_of_t2w_is_taken_over_in_part():
    other = with_random_statistics(MultiStream((1,), 4, WIDTHS), 3).state_dict()
    net = with_random_statistics(MultiStream((1, 1), 4, WIDTHS), 4)
    before = {name: weights.clone() for name, weights in net.state_dict().items()}
    given = take_over(net, other, encoder(2))
    assert given and all(name.startswith(("streams.1.levels.0.", "streams.1.levels.1.")) for name in given)
    after = net.state_dict()
    assert torch.equal(after["streams.1.levels.1.first.0.weight"], other["streams.0.levels.1.first.0.weight"])
    assert all(torch.equal(after[name], before[name]) for name in before if name not in given)


def test_what_does_not_fit_is_told_and_changes_nothing():
    net = MultiStream((1, 1), 4, WIDTHS)
    before = {name: weights.clone() for name, weights in net.state_dict().items()}
    wider = MultiStream((1,), 4, (8, 8, 8, 8)).state_dict()
    with pytest.raises(ValueError, match=r"streams.0.levels.0.first.0.weight is \(4, 1, 3, 3, 3\)"):
        take_over(net, wider, T1W_PATH)
    with pytest.raises(ValueError, match="has no streams.3"):
        take_over(net, wider, {"streams.3.": "streams.0."})
    with pytest.raises(ValueError, match="streams.7.levels.0.first.0.weight is not there"):
        take_over(net, wider, encoder(1, into=7))
    assert all(torch.equal(weights, before[name]) for name, weights in net.state_dict().items())
