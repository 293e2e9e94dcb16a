from functools import partial

import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from cerebbids.inference import device, fine, registration, tiles
from cerebbids.inference.answer import most_likely
from cerebbids.inference.cascade import Cascade, segment_cascade
from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import read_library
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import crop_probabilities, load_net
from cerebbids.systems.grid import Grid

CPU = torch.device("cpu")
CLOSE = {torch.bfloat16: (0.999, 0.998, 0.02), torch.float16: (0.9995, 0.999, 0.003)}
"""Least Dice of the whole, least share of voxels named alike, and mean difference of displacements, voxels of 2 mm."""


SLOW_HERE = [torch.bfloat16, pytest.param(torch.float16, marks=pytest.mark.long)]
"""A CPU takes long for whole networks in what GPUs are asked in."""


def asked_in(precision: torch.dtype | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let networks be asked in half precision, as on a GPU or a CPU with AMX, or in float32."""
    autocast = partial(torch.autocast, "cpu", precision or torch.bfloat16, enabled=precision is not None)
    monkeypatch.setattr(device, "answering", lambda _: autocast())


@pytest.mark.parametrize("half", SLOW_HERE)
def test_half_precision_names_the_voxels_that_float32_names(half: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    bundle = read_bundle(None, "deepceres")
    network = bundle.networks["lobules"]
    net, mirror = load_net(network, CPU), load_scheme(bundle.scheme).mirror
    head = resample(whole_head_template(), network.grid.shape, network.grid.affine).get_fdata(dtype=np.float32)
    found = {}
    for precision in (None, half):
        asked_in(precision, monkeypatch)
        found[precision] = crop_probabilities(net, head, mirror, CPU).argmax(0)
    full, low = found[None], found[half]
    assert (full > 0).sum() > 100_000  # mm3: the template's cerebellum was found
    overlap = 2 * ((low > 0) & (full > 0)).sum() / ((low > 0).sum() + (full > 0).sum())
    assert overlap > CLOSE[half][0]
    assert CLOSE[half][1] < (low == full)[full > 0].float().mean() < 1


def painted_block() -> tuple[np.ndarray, np.ndarray, torch.Tensor, Grid]:
    """T1w, T2w, first guess and grid (0.5 mm) of the middle of a generated cerebellum."""
    bundle = read_bundle(None, "deepceres")
    grid = bundle.networks["lobules"].grid
    box = tuple(slice(size // 2 - 20, size // 2 + 20) for size in grid.shape)
    classes = read_library(bundle.library, grid, bundle.scheme).labels[0].long()[box]
    smooth = torch.nn.functional.one_hot(classes, 27).permute(3, 0, 1, 2).float()[None]
    guess = torch.nn.functional.avg_pool3d(smooth, 3, 1, 1)[0]
    finer = classes.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2).numpy()
    white, grey = np.isin(finer, (13, 26)), finer > 0
    noise = np.random.default_rng(0).normal(0, 8, (2, *finer.shape))
    t1w, t2w = (np.select([white, grey], pair, 50 + 200 * i) for i, pair in enumerate(((250.0, 150.0), (100.0, 150.0))))
    return t1w + noise[0], t2w + noise[1], guess, grid.part(box).halved()


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_the_cascade_names_the_same_voxels_in_half_precision_and_bit_by_bit_when_asked_twice(half, monkeypatch):
    t1w, t2w, guess, grid = painted_block()
    networks = read_bundle(None, "deepceres").networks
    cascade = Cascade(*((load_net(networks[name], CPU),) for name in ("sides_unet", "lobules_unet")))
    found = []
    for precision in (None, half, half):
        asked_in(precision, monkeypatch)
        found.append(segment_cascade(cascade, t1w, t2w, guess, grid, CPU).probabilities)
    full, low = (most_likely(answer) for answer in found[:2])
    assert torch.equal(found[1], found[2]) and len(full.unique()) > 15
    assert CLOSE[half][1] < (low == full)[full > 0].float().mean() < 1


@pytest.mark.parametrize("half", SLOW_HERE)
def test_half_precision_registers_as_float32_does(half: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    bundle = read_bundle(None, "deepceres")
    network = bundle.networks["deform"]
    net, grid = load_net(network, CPU), network.grid
    head = resample(whole_head_template(), grid.shape, grid.affine).get_fdata(dtype=np.float32)
    member = read_library(bundle.library, grid, bundle.scheme).images[:1, None].float()
    found = {}
    for precision in (None, half):
        asked_in(precision, monkeypatch)
        found[precision] = registration.answers(net, standardise(torch.from_numpy(head))[None, None], member)
    assert found[None].norm(dim=1).max() > 1  # voxels of 2 mm
    assert 0 < (found[half] - found[None]).norm(dim=1).mean() < CLOSE[half][2]


class Pointwise(torch.nn.Module):
    """One convolution whose sums half precision rounds."""

    def __init__(self, channels: int, factor: float = 1.0) -> None:
        super().__init__()
        self.mix = torch.nn.Conv3d(1, channels, 1)
        torch.nn.init.constant_(self.mix.weight, factor / 3)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return self.mix(seen[:, :1])


@pytest.mark.parametrize("half", CLOSE)
def test_every_way_to_ask_a_network_follows_the_precision(half: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    volume = torch.randn(16, 8, 8)
    ways = (
        lambda net: tiles.softmax_of(net, volume[None]),
        lambda net: crop_probabilities(net, volume.numpy(), (0, 2, 1), CPU),
        lambda net: torch.from_numpy(fine.applied(net, volume.numpy(), CPU)),
    )
    for way in ways:
        net, found = Pointwise(3).eval(), []
        net.mix.bias.data = torch.tensor([0.1, 0.2, -0.3])
        for precision in (None, half):
            asked_in(precision, monkeypatch)
            found.append(way(net))
        assert 0 < (found[0] - found[1]).abs().max() < 0.01
        assert found[1].dtype is torch.float32


def test_what_half_precision_cannot_hold_is_asked_again_in_float32(monkeypatch: pytest.MonkeyPatch):
    asked_in(torch.float16, monkeypatch)
    net, seen = Pointwise(1, 3e5).eval(), torch.ones(1, 1, 2, 2, 2)
    found = device.ask(net, seen)
    assert torch.equal(found, net(seen)) and found.isfinite().all()


def test_an_answer_that_is_no_number_is_none(monkeypatch: pytest.MonkeyPatch):
    net, seen = Pointwise(1), torch.ones(1, 1, 2, 2, 2)
    seen[..., 0] = torch.nan  # one voxel of eight would pass for background
    with pytest.raises(ArithmeticError, match="no number"):
        device.ask(net, seen)


@pytest.mark.parametrize(
    ("kind", "capability", "half", "enabled"),
    [
        ("cuda", (7, 0), torch.float16, True),
        ("cuda", (6, 1), torch.float16, False),
        ("cpu", None, torch.bfloat16, True),
    ],
)
def test_gpus_are_asked_in_float16_and_cpus_in_bfloat16(kind, capability, half, enabled, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "autocast", lambda *told, enabled: asked.append((*told, enabled)))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(device, "is_fast_in_bf16", lambda _: True)
    device.answering(torch.device(kind))
    assert asked == [(kind, half, enabled)]
