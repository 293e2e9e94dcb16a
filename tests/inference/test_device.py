import pytest
import torch

from cerebbids.errors import UsageError
from cerebbids.inference.device import find_device


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize(
    ("wanted", "found"), [("auto", "cuda:0"), ("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1")]
)
def test_a_device_by_its_name(two_gpus, wanted: str, found: str):
    assert str(find_device(wanted)) == found


@pytest.mark.parametrize("wanted", ["cuda:2", "gpu", "mps", "cuda:", "cuda:x"])
def test_a_device_that_is_not_there_is_refused(two_gpus, wanted: str):
    with pytest.raises(UsageError, match=f"--device {wanted}"):
        find_device(wanted)
