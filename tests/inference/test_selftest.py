import re
import shutil
from pathlib import Path

import pytest
import torch

from cerebbids.cli.predict import main
from cerebbids.errors import ModelError, UsageError
from cerebbids.inference.models import packaged_models
from cerebbids.inference.selftest import self_test


def test_all_packaged_bundles_are_whole(capsys):
    assert main(["--self-test"]) == 0
    device, deepceres = capsys.readouterr().out.splitlines()
    assert device.startswith(f"PyTorch {torch.__version__} on ")
    assert re.fullmatch(r"deepceres \S+: 9 networks, library of 40", deepceres)


@pytest.mark.parametrize("damaged", ["lobules_unet.safetensors", "library/dseg.nii.gz"])
def test_a_damaged_file_is_named(damaged: str, tmp_path: Path):
    shutil.copytree(packaged_models(), tmp_path / "models")
    path = tmp_path / "models" / "deepceres" / damaged
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="sha256 differs"):
        list(self_test(tmp_path / "models"))


def test_a_gpu_that_is_not_there_is_told():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="--gpus all"):
        list(self_test(device="cuda"))
