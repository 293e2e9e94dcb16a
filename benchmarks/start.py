"""How long a run takes to begin in a large dataset: from the command to its first step.

Usage: python benchmarks/start.py OUT.tsv IMAGE_T1w.nii.gz [--participants 2000] [--repeats 3]

Makes a dataset of so many participants in two sessions each, with functional and diffusion images, all of them empty
placeholders but for one participant's T1w image, and asks for that participant. Every run is killed when its first step
begins. Writes a row a run: seconds; prints their median.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

IMAGES = {"anat": ("T1w", "T2w", "FLAIR"), "func": ("task-rest_run-1_bold", "task-rest_run-2_bold"), "dwi": ("dwi",)}
LIMIT_S = 120


def lay(root: Path, participants: int, image: Path) -> str:
    """Make the dataset; give the label of the one that has an image, in the middle."""
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "made for a benchmark", "BIDSVersion": "1.10.0"}')
    for number in range(participants):
        for session in ("a", "b"):
            stem = f"sub-{number:05}_ses-{session}"
            for kind, names in IMAGES.items():
                folder = root / f"sub-{number:05}" / f"ses-{session}" / kind
                folder.mkdir(parents=True)
                for name in names:
                    (folder / f"{stem}_{name}.nii.gz").touch()
                    (folder / f"{stem}_{name}.json").write_text("{}")
    label = f"{participants // 2:05}"
    for session in ("a", "b"):
        shutil.copyfile(image, root / f"sub-{label}/ses-{session}/anat/sub-{label}_ses-{session}_T1w.nii.gz")
    return label


def seconds_to_first_step(root: Path, label: str) -> float:
    """Start a run, and kill it when its first step has a folder."""
    with TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        command = [sys.executable, "-m", "cerebbids", root, Path(folder) / "out", "participant", "-w", work]
        began = time.monotonic()
        process = subprocess.Popen([*map(str, command), "--participant-label", label], stderr=subprocess.DEVNULL)
        try:
            while not list(work.glob("cerebbids_wf/*/*/*/_inputs.pklz")):
                if process.poll() is not None or time.monotonic() - began > LIMIT_S:
                    raise SystemExit("the run has ended without a step, or never begins one")
                time.sleep(0.02)
            return time.monotonic() - began
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """Make the dataset, start and kill runs, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--participants", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        label = lay(root, asked.participants, asked.image)
        rows = [
            {"participants": asked.participants, "seconds": round(seconds_to_first_step(root, label), 2)}
            for _ in range(asked.repeats)
        ]
    table = pd.DataFrame(rows)
    table.to_csv(asked.out, sep="\t", index=False)
    print(f"median {table['seconds'].median():.2f} s")


if __name__ == "__main__":
    main()
