from functools import partial

import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from cerebbids.inference import device, registration, segment
from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import read_library
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import crop_probabilities, load_net

CPU = torch.device("cpu")
CLOSE = {torch.bfloat16: (0.995, 0.98, 0.02), torch.float16: (0.999, 0.999, 0.003)}
"""Least Dice of the whole, least share of voxels named alike, and mean difference of displacements, voxels of 2 mm."""


def asked_in(precision: torch.dtype | None, module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module ask networks in half precision, as on a GPU or a CPU with AMX, or in float32."""
    autocast = partial(torch.autocast, "cpu", precision or torch.bfloat16, enabled=precision is not None)
    monkeypatch.setattr(module, "answering", lambda _: autocast())


@pytest.mark.parametrize("half", CLOSE)
def test_half_precision_names_the_voxels_that_float32_names(half: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    bundle = read_bundle(None, "deepceres")
    network = bundle.networks["lobules"]
    net, mirror = load_net(network, CPU), load_scheme(bundle.scheme).mirror
    head = resample(whole_head_template(), network.grid.shape, network.grid.affine).get_fdata(dtype=np.float32)
    found = {}
    for precision in (None, half):
        asked_in(precision, segment, monkeypatch)
        found[precision] = crop_probabilities(net, head, mirror, CPU).argmax(0)
    full, low = found[None], found[half]
    assert (full > 0).sum() > 100_000  # mm3: the template's cerebellum was found
    overlap = 2 * ((low > 0) & (full > 0)).sum() / ((low > 0).sum() + (full > 0).sum())
    assert overlap > CLOSE[half][0]
    assert CLOSE[half][1] < (low == full)[full > 0].float().mean() < 1


@pytest.mark.parametrize("half", CLOSE)
def test_half_precision_registers_as_float32_does(half: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    bundle = read_bundle(None, "deepceres")
    network = bundle.networks["deform"]
    net, grid = load_net(network, CPU), network.grid
    head = resample(whole_head_template(), grid.shape, grid.affine).get_fdata(dtype=np.float32)
    member = read_library(bundle.library, grid, bundle.scheme).images[:1, None].float()
    found = {}
    for precision in (None, half):
        asked_in(precision, registration, monkeypatch)
        found[precision] = registration.answers(net, standardise(torch.from_numpy(head))[None, None], member)
    assert found[None].norm(dim=1).max() > 1  # voxels of 2 mm
    assert 0 < (found[half] - found[None]).norm(dim=1).mean() < CLOSE[half][2]


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
