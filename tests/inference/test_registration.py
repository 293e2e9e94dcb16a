import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from cerebbids.inference import registration
from cerebbids.inference.registration import half_displacements, refined
from cerebbids.nets.deform import DeformNet
from cerebbids.nets.displacement import doubled, jacobian_determinant, warp

SHAPE = (40, 32, 32)


class Still(torch.nn.Module):
    """Moves nothing."""

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        return torch.zeros(2, len(pair), 3, *(n // 2 for n in pair.shape[2:]))


def folia(seed: int = 0) -> torch.Tensor:
    """Smooth texture (X, Y, Z), of unit standard deviation."""
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 2.5)
    return torch.from_numpy((texture / texture.std()).astype(np.float32))


def middle() -> torch.Tensor:
    outline = torch.zeros(1, 1, *SHAPE)
    outline[..., 8:32, 8:24, 8:24] = 1
    return outline


def moved(volume: torch.Tensor, *shift: float) -> torch.Tensor:
    field = torch.zeros(1, 3, *SHAPE) + torch.tensor(shift).reshape(1, 3, 1, 1, 1)
    return warp(volume[None, None], field)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_the_network_leaves_is_found_along_each_axis(axis: int):
    shift = [0.0, 0.0, 0.0]
    shift[axis] = 1.5
    fixed, moving = moved(folia(), *shift)[0, 0], folia()[None, None]
    found = doubled(half_displacements(Still(), fixed, moving, middle()))
    inner = found[0, :, 12:28, 12:20, 12:20].mean((1, 2, 3)).tolist()
    assert inner == pytest.approx(shift, abs=0.25)
    assert jacobian_determinant(found).min() > 0.3
    before, after = (abs(volume[0, 0] - fixed)[12:28, 12:20, 12:20].mean() for volume in (moving, warp(moving, found)))
    assert after < before / 3


def test_a_perfect_start_is_left_as_it_is():
    start = torch.zeros(1, 3, *(n // 2 for n in SHAPE))
    start[:, 1] = 1.0  # of the half grid
    halves = [F.avg_pool3d(volume, 2) for volume in (moved(folia(), 0, 2, 0), folia()[None, None], middle())]
    inner = (..., slice(6, 14), slice(6, 10), slice(6, 10))
    assert (refined(start, *halves) - start)[inner].abs().max() < 0.1


def test_what_lies_far_from_the_cerebellum_does_not_pull():
    moving, outline = folia()[None, None], torch.zeros(1, 1, *SHAPE)
    outline[..., :12, 8:24, 8:24] = 1
    fixed = moving.clone()
    fixed[..., 20:, :, :] = moved(folia(), 0, 2, 0)[..., 20:, :, :]
    found = half_displacements(Still(), fixed[0, 0], moving, outline)
    assert found[0, :, 1:5, 4:12, 4:12].abs().max() < 0.1 and found[0, :, 14:].abs().max() < 0.1


def test_a_pair_comes_out_the_same_alone_and_among_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registration, "STEPS", 8)
    fixed = moved(folia(), 1, 0.5, 0)[0, 0]
    moving = torch.stack([folia()[None], folia(1)[None]])
    outlines = torch.cat([middle(), middle().roll(4, 2)])
    together = half_displacements(Still(), fixed, moving, outlines)
    alone = [half_displacements(Still(), fixed, *pair) for pair in zip(moving[:, None], outlines[:, None], strict=True)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-3)


def test_nothing_is_learnt_by_the_network():
    net = DeformNet((8, 16), 2)
    found = half_displacements(net, folia(), folia(1)[None, None], middle())
    assert all(weights.grad is None for weights in net.parameters()) and not found.requires_grad


def test_the_network_s_answer_is_kept_but_for_the_change(monkeypatch: pytest.MonkeyPatch):
    """Detail of the answer that control points cannot hold is not smoothed away."""
    start = 0.3 * torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 20, 16, 16))).float()
    halves = [F.avg_pool3d(volume, 2) for volume in (folia(1)[None, None], folia()[None, None], middle())]
    change = refined(start, *halves) - start
    assert change.abs().max() > 0.05
    assert change.diff(dim=2).abs().max() < start.diff(dim=2).abs().max() / 3
    monkeypatch.setattr(registration, "STEPS", 0)
    assert torch.equal(refined(start, *halves), start)


def test_steps_are_made_where_no_gradients_are_wanted():
    fixed = moved(folia(), 0, 1.5, 0)[0, 0]
    plain = half_displacements(Still(), fixed, folia()[None, None], middle())
    with torch.inference_mode():
        again = half_displacements(Still(), fixed * 1, folia()[None, None] * 1, middle() * 1)
    assert torch.allclose(plain, again) and plain.abs().max() > 0.5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_what_a_cpu_finds():
    pair = moved(folia(), 0, 1.5, 0)[0, 0], folia()[None, None], middle()
    on_cpu = half_displacements(Still(), *pair)
    on_gpu = half_displacements(Still(), *(volume.cuda() for volume in pair)).cpu()
    assert (on_cpu - on_gpu).abs().max() < 0.05
