import pytest
import torch

from cerebbids.nets.multistream import MultiStream

WIDTHS = (4, 8, 8, 8)


def test_every_weight_learns():
    net = MultiStream((1, 1, 3), 4, WIDTHS)
    sum(answer.square().mean() for answer in net(torch.randn(2, 5, 16, 16, 16))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_each_stream_sees_its_own_channels():
    torch.manual_seed(0)
    net, x = MultiStream((1, 2), 4, WIDTHS).eval(), torch.randn(1, 3, 16, 16, 16)
    seen: list[torch.Tensor] = []
    for stream in net.streams:
        stream.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(x)
    assert torch.equal(seen[0], x[:, :1]) and torch.equal(seen[1], x[:, 1:])


@pytest.mark.parametrize("channel", range(3))
def test_the_answer_goes_by_all_of_them(channel):
    torch.manual_seed(0)
    net, x = MultiStream((1, 2), 4, WIDTHS).eval(), torch.randn(1, 3, 16, 16, 16)
    other = x.clone()
    other[:, channel] += torch.randn(16, 16, 16)
    assert float((net(x) - net(other)).detach().abs().max()) > 1e-3


def test_a_path_of_t1w_alone_fits_into_one_of_more_modalities():
    alone, both = MultiStream((1,), 4, WIDTHS).state_dict(), MultiStream((1, 1), 4, WIDTHS).state_dict()
    path = ("streams.0.", "rises.", "decoder.", "heads.")
    ours = {name: weights.shape for name, weights in alone.items() if name.startswith(path)}
    assert ours == {name: weights.shape for name, weights in both.items() if name.startswith(path)}
    assert {name for name in both if not name.startswith(path)} == {
        name for name in both if name.startswith(("streams.1.", "fusion."))
    }


def test_too_few_resolutions_for_three_heads_are_told():
    with pytest.raises(ValueError, match="3 resolutions have a head: 2 widths are too few"):
        MultiStream((1, 1), 4, (8, 16))
