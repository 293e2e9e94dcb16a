"""The program in processes of its own, with quick stand-ins for the algorithms, on datasets made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.bids.names import derivative_path
from cerebbids.bids.sidecars import VOLATILE
from cerebbids.imaging.template import template_t1w
from tests.datasets import make_dataset

QUICK = Path(__file__).parent / "standin" / "quick.py"
REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """A dataset and what became of it."""

    raw: Path
    out: Path
    work: Path

    def source(self, name: str) -> Path:
        """Path of an image; a name is that of `make_dataset` or a participant's label."""
        name = name if "/" in name else f"sub-{name}/anat/sub-{name}"
        return self.raw / f"{name}_T1w.nii.gz"

    def path(self, name: str, key: str) -> Path:
        """Path of a derivative."""
        return self.out / derivative_path(self.source(name), key)

    def arguments(self, *options: str) -> list[str]:
        """Command line."""
        return [*map(str, (self.raw, self.out, "participant", "-w", self.work, "--nprocs", "2")), *options]

    def start(self, *options: str) -> subprocess.Popen:
        """Start the program, with the stand-ins, in a process of its own."""
        command = [sys.executable, "-W", "ignore", str(QUICK), *self.arguments(*options)]
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": path}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *options: str) -> tuple[int, str, str]:
        """Run the program to its end: exit code, last line, what it said on standard error."""
        process = self.start(*options)
        out, err = process.communicate()
        return process.returncode, out.strip().splitlines()[-1] if out.strip() else "", err

    def results(self) -> dict[str, bytes | object]:
        """Images, tables, and what JSON files tell but for time and memory; not logs, nor pages, which tell when."""
        found: dict[str, bytes | object] = {}
        for path in sorted(path for path in self.out.rglob("*") if path.is_file() and "log" not in path.parts):
            name = path.relative_to(self.out).as_posix()
            if path.suffix == ".json":
                found[name] = json.loads(path.read_text(), object_hook=_lasting)
            elif path.suffix != ".html" and name.partition("/")[0] != "logs":
                found[name] = path.read_bytes()
        return found


def _lasting(told: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in told.items() if key not in VOLATILE}


def prepare(folder: Path, *names: str) -> Run:
    """Make a dataset of template brains at 2 mm."""
    run = Run(make_dataset(folder / "data", *names), folder / "out", folder / "work")
    template = template_t1w()
    data = (np.asarray(template.dataobj)[::2, ::2, ::2] * 1000).astype(np.int16)
    for name in names:
        nib.save(nib.Nifti1Image(data, template.affine @ np.diag([2, 2, 2, 1])), run.source(name))
    return run


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> object:
    """Wait until something is so; a program that ended will not bring it about any more."""
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waiting to be forgotten."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
