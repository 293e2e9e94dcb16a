from pathlib import Path

import imageside
import numpy as np
import pytest
from imageside import contrast_synthesis, upsampled_by

from cerebbids.nets.contrast import ContrastNet
from cerebbids.nets.superres import SuperResolution

SHAPE = (16, 12, 12)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A head of fluid, grey and white matter in layers along x, in air."""
    shares = np.zeros((3, *SHAPE), np.uint8)
    for tissue, layer in enumerate((slice(2, 6), slice(6, 10), slice(10, 14))):
        shares[tissue, layer, 2:-2, 2:-2] = 255
    (tmp_path / "heads").mkdir()
    np.savez(tmp_path / "heads" / "one.npz", shares=shares, outside=np.zeros(SHAPE, np.int16))
    monkeypatch.setattr(imageside.heads, "HELD_OUT", ("one",))
    return tmp_path


def test_every_method_keeps_the_place_at_twice_the_resolution():
    x, y, z = np.meshgrid(*[np.arange(20)] * 3, indexing="ij")
    coarse = (100 + 5 * x + 3 * y + z).astype(np.float32)
    fx, fy, fz = np.meshgrid(*[np.arange(40) / 2 - 0.25] * 3, indexing="ij")
    within = (slice(16, -16),) * 3  # splines ring at the faces
    found = dict(upsampled_by(coarse, SuperResolution(4, 1), coarse > 0))
    assert list(found) == ["trilinear", "cubic B-spline", "network"]
    for fine in found.values():
        np.testing.assert_allclose(fine[within], (100 + 5 * fx + 3 * fy + fz)[within], atol=0.1)


def test_an_untrained_network_synthesises_what_the_mapping_alone_makes(work: Path):
    (row,) = contrast_synthesis(work, ContrastNet(4, 1)).to_dict("records")
    assert row["what"] == "one" and row["in_order"]
    assert 0 < row["error_percent"] < 30
    assert row["error_percent"] == pytest.approx(row["error_percent_without_network"], rel=1e-4)


def test_a_network_that_darkens_fluid_is_worse(work: Path):
    darker = ContrastNet(4, 1)
    darker.head.bias.data.fill_(-0.5)
    (row,) = contrast_synthesis(work, darker).to_dict("records")
    assert row["error_percent"] > row["error_percent_without_network"] + 5
