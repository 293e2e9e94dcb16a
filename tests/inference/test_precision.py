import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from cerebbids.inference import registration
from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import read_library
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import crop_probabilities, load_net


def test_bfloat16_names_the_voxels_that_float32_names():
    bundle, cpu = read_bundle(None, "deepceres"), torch.device("cpu")
    network = bundle.networks["lobules"]
    net, mirror = load_net(network, cpu), load_scheme(bundle.scheme).mirror
    head = resample(whole_head_template(), network.grid.shape, network.grid.affine).get_fdata(dtype=np.float32)
    low, full = (crop_probabilities(net, head, mirror, cpu, low_precision=p).argmax(0) for p in (True, False))
    assert (full > 0).sum() > 100_000  # mm3: the template's cerebellum was found
    overlap = 2 * ((low > 0) & (full > 0)).sum() / ((low > 0).sum() + (full > 0).sum())
    assert overlap > 0.995
    assert (low == full)[full > 0].float().mean() > 0.98


def test_bfloat16_registers_as_float32_does(monkeypatch: pytest.MonkeyPatch):
    bundle, cpu = read_bundle(None, "deepceres"), torch.device("cpu")
    network = bundle.networks["deform"]
    net, grid = load_net(network, cpu), network.grid
    head = resample(whole_head_template(), grid.shape, grid.affine).get_fdata(dtype=np.float32)
    member = read_library(bundle.library, grid, bundle.scheme).images[:1, None].float()
    found = {}
    for low in (True, False):
        monkeypatch.setattr(registration, "is_fast_in_bf16", lambda device, low=low: low)
        found[low] = registration.answers(net, standardise(torch.from_numpy(head))[None, None], member)
    assert found[False].norm(dim=1).max() > 1  # voxels of 2 mm
    assert (found[True] - found[False]).norm(dim=1).mean() < 0.02
