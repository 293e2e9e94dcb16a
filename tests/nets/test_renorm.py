import pytest
import torch
from torch import nn

from cerebbids.nets.renorm import SHIFT, WARM_UP, BatchRenorm3d, _statistics


def trained(batches: int, **more: float) -> BatchRenorm3d:
    """A norm that has seen batches of mean 3 and standard deviation 2."""
    torch.manual_seed(0)
    norm = BatchRenorm3d(2, **more)
    for _ in range(batches):
        norm(3 + 2 * torch.randn(1, 2, 8, 8, 8))
    return norm


def test_in_training_a_batch_is_treated_as_in_use():
    norm = trained(200)
    bright = 5 + torch.randn(1, 2, 8, 8, 8)
    found = norm(bright)
    assert torch.allclose(found, norm.eval()(bright), atol=0.25) and float(found.detach().mean()) == pytest.approx(
        1, abs=0.1
    )


def test_at_the_beginning_it_is_batch_normalisation():
    norm, plain, x = trained(WARM_UP - 1), nn.BatchNorm3d(2), 7 + torch.randn(1, 2, 8, 8, 8)
    assert torch.allclose(norm(x), plain(x), atol=1e-5)


def test_running_statistics_are_those_of_the_batches():
    norm = trained(100)
    assert torch.allclose(norm.running_mean, torch.full((2,), 3.0), atol=0.1)
    assert torch.allclose(norm.running_var, torch.full((2,), 4.0), atol=0.3)
    assert int(norm.num_batches_tracked) == 100


def test_a_batch_beyond_all_others_is_not_followed_for_ever():
    norm = trained(100)
    far = norm(3 + 2 * 100 + 2 * torch.randn(1, 2, 8, 8, 8))
    assert float(far.detach().mean()) == pytest.approx(SHIFT, abs=0.1)


def test_all_parameters_and_the_input_learn():
    norm, x = trained(50), torch.randn(1, 2, 4, 4, 4, requires_grad=True)
    norm(x).pow(3).sum().backward()
    assert all(p.grad.abs().min() > 0 for p in norm.parameters()) and x.grad.abs().sum() > 0


def test_weights_are_those_of_batch_normalisation():
    plain, x = nn.BatchNorm3d(2), torch.randn(1, 2, 4, 4, 4)
    plain.load_state_dict(trained(30).state_dict())
    assert torch.equal(plain.eval()(x), trained(30).eval()(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last_3d])
def test_statistics_are_mean_and_variance(dtype, memory):
    x = (7 + torch.arange(5).reshape(1, 5, 1, 1, 1) * torch.randn(2, 5, 9, 8, 7)).to(dtype, memory_format=memory)
    mean, variance = _statistics(x)
    assert mean.dtype == variance.dtype == torch.float32
    assert torch.allclose(mean, x.double().mean((0, 2, 3, 4)).float(), atol=1e-4)
    assert torch.allclose(variance, x.double().var((0, 2, 3, 4), correction=0).float(), rtol=1e-3)
