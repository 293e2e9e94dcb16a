import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from cerebbids.cli.predict import main
from cerebbids.errors import ModelError, UsageError
from cerebbids.inference.models import packaged_models
from cerebbids.inference.selftest import self_test


def test_all_packaged_bundles_are_whole(capsys):
    assert main(["--self-test"]) == 0
    device, deepceres, infant, *others = capsys.readouterr().out.splitlines()
    assert device.startswith(f"PyTorch {torch.__version__} on ")
    assert re.fullmatch(r"deepceres \S+: all whole, 9 networks, library of 40", deepceres)
    assert re.fullmatch(r"infant \S+: all whole, 6 networks", infant)
    assert others == [f"{system}: no bundle in this version" for system in ("isointense", "neonatal")]


def test_an_older_folder_without_networks_for_infants_will_do(tmp_path: Path):
    shutil.copytree(packaged_models() / "deepceres", tmp_path / "deepceres")
    lacking = ("infant", "isointense", "neonatal")
    assert list(self_test(tmp_path))[-3:] == [f"{system}: no bundle in {tmp_path}" for system in lacking]


@pytest.mark.parametrize("damaged", ["lobules_unet.safetensors", "library/dseg.nii.gz"])
def test_a_damaged_file_is_named(damaged: str, tmp_path: Path):
    shutil.copytree(packaged_models(), tmp_path / "models")
    path = tmp_path / "models" / "deepceres" / damaged
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="sha256 differs"):
        list(self_test(tmp_path / "models"))


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        (ModelError("a.safetensors", "missing", "install it"), 127, "a.safetensors: missing; install it"),
        (RuntimeError("CUDA error: no kernel image is available\nSearch."), 2, "take a PyTorch made for this GPU"),
    ],
)
def test_what_is_wrong_is_one_line(fault: Exception, code: int, told: str, monkeypatch, capsys):
    def fail(_: Path | None) -> Iterator[str]:
        raise fault
        yield

    monkeypatch.setattr("cerebbids.inference.selftest.self_test", fail)
    assert main(["--self-test"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cerebbids: ") and told in line


def test_bundles_that_the_environment_names_are_tested(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("CEREBBIDS_HOME", str(tmp_path))
    assert main(["--self-test"]) == 127
    assert f"{tmp_path}/models/deepceres/model.toml: no such file" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_told():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="--gpus all"):
        list(self_test(device="cuda"))
