import torch

from cerebbids.nets.build import build
from cerebbids.nets.dpn import DPN


def count(net: torch.nn.Module) -> int:
    """Parameters as Keras counts them: the running means and variances, too."""
    numbers = [*net.parameters(), *(values for name, values in net.named_buffers() if "running" in name)]
    return sum(values.numel() for values in numbers)


def test_two_networks_have_as_many_parameters_as_the_text_says():
    assert count(DPN(2, 3)) == 343_331
    assert count(DPN(2, 14)) == 352_846
    assert count(DPN(2, 3)) + count(DPN(2, 14)) == 696_177


def test_every_resolution_sees_the_image():
    torch.manual_seed(0)
    net = DPN(1, 2, width=4).eval()
    image = torch.rand(1, 1, 16, 16, 16, requires_grad=True)
    for level in net.levels:
        kept = level.stem.weight.detach().clone()
        with torch.no_grad():
            before = net(image)
            level.stem.weight.zero_()
            assert not torch.equal(before, net(image))
            level.stem.weight.copy_(kept)


def test_an_answer_depends_on_what_is_far_away():
    torch.manual_seed(0)
    net = DPN(1, 2, width=4).eval()
    image = torch.rand(1, 1, 64, 16, 16, requires_grad=True)
    net(image)[0, 0, 32, 8, 8].backward()
    reached = image.grad[0, 0].abs().amax((1, 2)).nonzero()
    assert reached.min() <= 8 and reached.max() >= 55


def test_nothing_is_dropped_at_full_resolution_nor_in_use():
    net = DPN(1, 2, width=4)
    assert [level.dropout.p for level in net.levels] == [0.25, 0.25, 0.25, 0.0]
    image = torch.rand(1, 1, 16, 16, 16)
    assert torch.equal(net.eval()(image), net(image))


def test_it_is_built_by_name():
    net = build("dpn", {"channels_in": 3, "classes": 14, "width": 8})
    assert isinstance(net, DPN) and net.head.out_channels == 14
