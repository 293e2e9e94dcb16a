"""How long the whole program takes with one head, from file to report, and how much memory.

Usage: python benchmarks/program.py HEAD_T1w.nii.gz OUT.tsv [--threads 2] [--method nets]

Writes one row: head, method, CPUs, version, day, wall and CPU seconds, the largest process (GB), and all processes
together (GB; looked at twice a second, what they share is counted in each).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import pandas as pd
from tables import write_table

from cerebbids import __version__


def memory_of(session: int) -> float:
    """Resident memory of all processes of a session, GB."""
    listed = subprocess.run(["ps", "-o", "rss=", "-s", str(session)], capture_output=True, text=True, check=False)
    return sum(map(int, listed.stdout.split())) / 1e6


def measured(head: Path, folder: Path, method: str, threads: int) -> dict[str, object]:
    """Run the program in a folder; seconds and GB.

    Raises
    ------
    CalledProcessError
        It failed.
    """
    data, output = folder / "data", folder / "out"
    (data / "sub-01" / "anat").mkdir(parents=True)
    (data / "dataset_description.json").write_text(json.dumps({"Name": "One head", "BIDSVersion": "1.10.0"}))
    nib.save(nib.load(head), data / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    program = [
        sys.executable, "-m", "cerebbids.cli.run", data, output, "participant", "-w", folder / "work",
        "--method", method, "--nprocs", str(threads), "--omp-nthreads", str(threads),
    ]  # fmt: skip
    begun, together = time.perf_counter(), 0.0
    with subprocess.Popen(program, start_new_session=True, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            together = max(together, memory_of(running.pid))
            time.sleep(0.5)
    wall, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, program)
    return {
        "head": head.name, "method": method, "threads": threads, "version": __version__, "made": date.today(),
        "wall_s": round(wall), "cpu_s": round(used.ru_utime + used.ru_stime),
        "largest_process_gb": round(used.ru_maxrss / 1e6, 1), "together_gb": round(together, 1),
    }  # fmt: skip


def main() -> None:
    """Run cerebbids on a dataset of one head and write the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("head", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--method", default="nets")
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        row = measured(asked.head, Path(name), asked.method, asked.threads)
    write_table(pd.DataFrame([row]), asked.table)


if __name__ == "__main__":
    main()
