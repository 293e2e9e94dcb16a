import subprocess
import sys
import time
from pathlib import Path

from cerebbids.interfaces.process import run_child

PARENT = """
import os, sys
from pathlib import Path
from cerebbids.interfaces.process import run_child
code = "import os, time; open('pid', 'w').write(str(os.getpid())); os.rename('pid', 'begun'); time.sleep(3600)"
run_child([sys.executable, "-c", code], Path.cwd(), 3600)
"""


def test_child_of_a_killed_process_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path)
    while not (tmp_path / "begun").exists():
        assert parent.poll() is None
        time.sleep(0.1)
    status = Path(f"/proc/{(tmp_path / 'begun').read_text()}/stat")
    parent.kill()
    parent.wait()
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.1)


def test_end_is_told_with_what_the_program_said(tmp_path):
    ended = run_child([sys.executable, "-c", "import sys; print('out'); sys.exit('err')"], tmp_path, 60)
    assert (ended.code, ended.stderr) == (1, "err\n")
    assert (tmp_path / "stdout.txt").read_text() == "out\n"
