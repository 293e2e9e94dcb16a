import pytest
import torch

from cerebbids.nets.ageunet import STRATEGIES, AgeUNet

WIDTHS = (2, 2, 2, 2, 4, 4)


def test_a_patch_of_128_has_a_bottleneck_of_4():
    net, shapes = AgeUNet(2, 10, WIDTHS).eval(), []
    for block in net.blocks:
        block.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net(torch.zeros(1, 2, 128, 128, 128))
    assert [shape[1:] for shape in shapes] == [(side,) * 3 for side in (128, 64, 32, 16, 8, 4)]
    assert [shape[0] for shape in shapes] == [*WIDTHS]


def test_every_weight_learns():
    torch.manual_seed(0)
    net = AgeUNet(2, 5, (4, 4, 8, 8), scales=3, age=True)
    labels, age = net(torch.randn(2, 2, 32, 32, 32))
    (sum(answer.square().mean() for answer in labels) + age.square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_heads_are_of_the_finest_resolutions():
    labels = AgeUNet(1, 3, (2, 2, 2, 2), scales=3)(torch.zeros(1, 1, 32, 16, 24))
    assert [tuple(answer.shape[1:]) for answer in labels] == [(3, 32, 16, 24), (3, 16, 8, 12), (3, 8, 4, 6)]


def test_ages_are_told_of_patches_of_any_size():
    net = AgeUNet(1, 3, (2, 2, 2), scales=1, age=True).eval()
    for side in (8, 32, 40):
        assert net(torch.zeros(3, 1, side, side, side))[1].shape == (3,)


def test_the_age_head_changes_nothing_about_the_labels():
    torch.manual_seed(0)
    with_age, without = AgeUNet(1, 3, (2, 2, 2), age=True, scales=2), AgeUNet(1, 3, (2, 2, 2), scales=2)
    left = without.load_state_dict(with_age.state_dict(), strict=False)
    assert not left.missing_keys and all(key.startswith("age.") for key in left.unexpected_keys)
    x = torch.randn(1, 1, 16, 16, 16)
    assert torch.equal(with_age.eval()(x)[0], without.eval()(x))


def test_strategies_reach_from_the_bottleneck_outwards():
    net = AgeUNet(2, 10, WIDTHS)
    names = {id(weight): name for name, weight in net.named_parameters()}
    learnt = {name: {names[id(p)].rsplit(".", 3)[0] for p in net.learning(name)} for name in STRATEGIES}
    assert all(any(part.startswith(f"blocks.{k}") for part in learnt["shallow"]) for k in (4, 5))
    assert not any(part.startswith(("blocks.3", "rises.1", "heads")) for part in learnt["shallow"])
    assert learnt["shallow"] < learnt["medium"] < learnt["deep"]
    assert not any(part.startswith(("blocks.0", "rises.4", "heads")) for part in learnt["deep"])
    assert len(net.learning("full")) == len(list(net.parameters()))


def test_as_many_heads_as_resolutions_on_the_way_up_at_most():
    with pytest.raises(ValueError, match="between 1 and 2 resolutions"):
        AgeUNet(1, 2, (2, 2, 2), scales=3)


def test_ages_have_gradients_in_half_precision_where_the_bottleneck_is_small():
    torch.manual_seed(0)
    net = AgeUNet(2, 4, (4, 8, 16, 32, 40), age=True).to(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        _, age = net(torch.randn(2, 2, 32, 32, 32).contiguous(memory_format=torch.channels_last_3d))
    age.sum().backward()
    assert age.dtype == torch.float32
    assert all(torch.isfinite(p.grad).all() for p in net.age.parameters())
