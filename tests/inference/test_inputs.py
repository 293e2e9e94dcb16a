import torch

from cerebbids.inference.inputs import network_input, standardise
from cerebbids.systems.deepceres import DEEPCERES


def test_scale_of_the_scanner_does_not_matter():
    image = torch.rand(16, 16, 16)
    assert torch.allclose(standardise(image), standardise(1000 * image), atol=1e-4)


def test_a_bright_scalp_does_not_matter():
    torch.manual_seed(0)
    image = torch.rand(32, 32, 32)
    scalp = image.clone()
    scalp[:, :4] = 50
    inside = (slice(None), slice(4, None))
    assert torch.equal(standardise(image)[inside], standardise(scalp)[inside])


def test_an_empty_crop_stays_finite():
    made = network_input(torch.zeros(16, 16, 16))
    assert len(made) == DEEPCERES.channels["icv"][0] and torch.isfinite(made).all()
