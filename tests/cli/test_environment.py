import os
import subprocess
import sys
from pathlib import Path

from cerebbids.cli.environment import usable_memory_gb


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


def test_memory_of_the_run_leaves_some_to_the_system():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    assert 0 < usable_memory_gb() < 0.91 * total
