import os
import subprocess
import sys
from pathlib import Path

import pytest

from cerebbids.cli.environment import make_templateflow, memory_limits, prepare_environment, usable_memory_gb
from cerebbids.files import write_text


def test_libraries_load_without_a_home_folder_and_know_the_working_space(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cerebbids.cli.environment import prepare_environment\n"
        "prepare_environment(Path(sys.argv[1]))\n"
        "import matplotlib.pyplot, nipype, templateflow.api\n"
        "from niworkflows.interfaces.bids import STANDARD_SPACES\n"
        "print(STANDARD_SPACES)\n"
    )
    # Nobody can write below /proc, not even root.
    bare = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ} | {"HOME": "/proc/none"}
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)]
    answer = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip() == "['MNI152NLin2009aSym']"


def templateflow_after(work_dir: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setattr(os, "environ", os.environ.copy() | {"TEMPLATEFLOW_HOME": str(home)})
    prepare_environment(work_dir)
    return Path(os.environ["TEMPLATEFLOW_HOME"])


def test_a_templateflow_folder_of_the_image_is_taken(tmp_path: Path, monkeypatch):
    make_templateflow(tmp_path / "baked")
    assert templateflow_after(tmp_path / "work", monkeypatch, tmp_path / "baked") == tmp_path / "baked"
    assert not (tmp_path / "work" / ".cache" / "templateflow").exists()


@pytest.mark.parametrize("holds", [(), ("tpl-MNI152NLin2009aSym", "tpl-Fischer344")])
def test_a_templateflow_folder_of_the_user_is_left_alone(holds, tmp_path: Path, monkeypatch):
    for name in holds:
        (tmp_path / "own" / name).mkdir(parents=True)
    taken = templateflow_after(tmp_path / "work", monkeypatch, tmp_path / "own")
    assert taken == tmp_path / "work" / ".cache" / "templateflow"


def test_a_templateflow_folder_that_cannot_be_read_is_no_matter(tmp_path: Path, monkeypatch):
    make_templateflow(tmp_path / "shut")

    def refuse(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    taken = templateflow_after(tmp_path / "work", monkeypatch, tmp_path / "shut")
    assert taken == tmp_path / "work" / ".cache" / "templateflow"


def test_a_run_loads_no_library_before_it_has_a_folder_to_write_to():
    code = (
        "import sys, cerebbids.cli.participant\n"
        "print(*{'matplotlib', 'nipype', 'niworkflows', 'templateflow', 'ants', 'torch'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("", "")


@pytest.mark.parametrize(
    ("membership", "limits"),
    [
        ("0::/\n", {"memory.max": "5"}),
        ("0::/\n", {"memory.max": "max"}),
        ("0::/slurm/job_1/step_0\n", {"slurm/job_1/memory.max": "5", "slurm/job_1/step_0/memory.max": "max"}),
        ("0::/slurm/job_1/step_0\n", {"slurm/memory.max": "9", "slurm/job_1/step_0/memory.high": "5"}),
        ("0::/user\n", {"user/memory.max": "5", "slurm/memory.max": "1"}),
        (
            "1:cpu:/b\n4:memory:/slurm/job_1\n0::/\n",
            {"memory/slurm/memory.limit_in_bytes": "5", "cpu/b/memory.max": "1"},
        ),
        ("4:memory:/docker/1\n", {"memory/memory.limit_in_bytes": "5"}),
        ("", {}),
        (None, {"memory.max": "1"}),
    ],
)
def test_memory_is_that_of_the_job_and_of_everything_around_it(membership, limits, tmp_path):
    for name, limit in limits.items():
        write_text(tmp_path / "cgroup" / name, f"{limit}\n")
    if membership is not None:
        (tmp_path / "self").write_text(membership)
    found = min(memory_limits(tmp_path / "self", tmp_path / "cgroup"), default=None)
    assert found == (5 if membership and "5" in limits.values() else None)


def test_memory_of_the_run_leaves_some_to_the_system():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    assert 0 < usable_memory_gb() < 0.91 * total
