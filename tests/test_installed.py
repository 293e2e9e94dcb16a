"""What is installed is what the repository holds: nothing is taken from the folder that a user happens to be in."""

import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "cerebbids" / "data"
PROGRAMS = ("cerebbids", "cerebbids-demo", "cerebbids-train", "cerebbids-predict", "cerebbids-tables")


def answer(command: list, folder: Path) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_data_files_travel_with_the_package(tmp_path: Path):
    code = (
        "from importlib import resources; from pathlib import Path\n"
        "data = Path(str(resources.files('cerebbids.data')))\n"
        "print(data, *(p.relative_to(data).as_posix() for p in data.rglob('*') if p.is_file()), sep='\\n')"
    )
    folder, *installed = answer([sys.executable, "-P", "-c", code], tmp_path).split("\n")
    if Path(folder) == DATA:
        pytest.skip("installed in place (-e): nothing has travelled")
    held = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert {"models/deepceres/model.toml", "models/deepceres/lobules.safetensors"} <= held <= set(installed)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_installed(program: str, tmp_path: Path):
    assert f"usage: {program}" in answer([Path(sys.executable).with_name(program), "--help"], tmp_path)
