"""Where the time and the memory of one image go.

Every stage runs in a process of its own, as in the workflow::

    python benchmarks/stages.py HEAD_T1w.nii.gz [--method nets] [--threads 2] [--device cpu] [--models-dir FOLDER]

Prints a table: stage, wall seconds, CPU seconds, peak memory in GB. The networks share one process, of whose stages
only the wall time is known.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np

from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.conform import conform
from cerebbids.imaging.denoise import denoise
from cerebbids.imaging.registration import Place, locate_brain, register_to_mni
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine
from cerebbids.systems.deepceres import DEEPCERES


def stages(
    head: Path, folder: Path, method: str, threads: int, device: str, models_dir: str | None
) -> dict[str, Callable[[], None]]:
    """Name and work of every stage; each reads what the one before it has written."""

    def keep(image: nib.Nifti1Image, name: str) -> None:
        nib.save(image, folder / f"{name}.nii")

    def of(name: str) -> nib.Nifti1Image:
        return nib.load(folder / f"{name}.nii")

    def locate() -> None:
        write_itk_affine(locate_brain(of("conformed"), threads).t1w_to_mni, folder / "rough.txt")

    def place() -> Place:
        return Place(read_itk_affine(folder / "rough.txt"), "located")

    def unbiased() -> nib.Nifti1Image:
        denoised = of("denoised")
        return correct_bias(denoised, brain_mask(denoised, place().t1w_to_mni, 0.0), threads)

    def register() -> None:
        found = register_to_mni(of("unbiased"), threads, place())
        write_itk_affine(found.t1w_to_mni, folder / "xfm.txt")
        (folder / "stripped").write_text("yes" if found.skull_stripped else "")

    def predict() -> None:
        job = {
            "system": "deepceres",
            "t1w": str(folder / "unbiased.nii"),
            "xfm": str(folder / "xfm.txt"),
            "skull_stripped": bool((folder / "stripped").read_text()),
            "t2w": None,
            "xfm_t2w": None,
            "t2w_required": False,
            "method": method,
            "flip": False,
            "save_probabilities": False,
            "library": None,
            "models_dir": models_dir,
            "device": device,
            "cpu_threads": threads,
            "out_dir": str(folder / "out"),
        }
        (folder / "job.json").write_text(json.dumps(job))
        run([sys.executable, "-m", "cerebbids.cli.predict", "--spec", folder / "job.json"], check=True)

    return {
        "conform": lambda: keep(conform(head).image, "conformed"),
        "locate": locate,
        "denoise": lambda: keep(denoise(of("conformed"), place().t1w_to_mni, threads), "denoised"),
        "bias field": lambda: keep(unbiased(), "unbiased"),
        "affine": register,
        "networks": predict,
    }


def main() -> None:
    """Time the stages of one head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("head", type=Path)
    parser.add_argument("--method", default="nets", choices=DEEPCERES.methods)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--models-dir")
    asked = parser.parse_args()
    rows = []
    print("stage", "wall_s", "cpu_s", "peak_gb", sep="\t")
    with TemporaryDirectory() as folder:
        (Path(folder) / "out").mkdir()
        made = stages(asked.head, Path(folder), asked.method, asked.threads, asked.device, asked.models_dir)
        for name, work in made.items():
            rows.append(_measured(work))
            print(name, *(f"{number:.1f}" for number in rows[-1]), sep="\t", flush=True)
        facts = json.loads((Path(folder) / "out" / "predict.json").read_text())
    for stage, seconds in facts["laps"].items():
        print(f"  {stage}", f"{seconds:.1f}", "n/a", "n/a", sep="\t")
    if facts["peak_gpu_gb"] is not None:
        print("  memory of the GPU", "n/a", "n/a", f"{facts['peak_gpu_gb']:.1f}", sep="\t")
    wall, cpu, peak = np.array(rows).T
    print("all", f"{wall.sum():.1f}", f"{cpu.sum():.1f}", f"{peak.max():.1f}", sep="\t")


def _measured(work: Callable[[], None]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory in GB of a forked child that does the work."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)

    def child() -> None:
        work()
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        there.send((cpu, max(usage.ru_maxrss for usage in usages) / 1e6))

    start = time.perf_counter()
    process = context.Process(target=child)
    process.start()
    process.join()
    wall = time.perf_counter() - start
    if process.exitcode:
        sys.exit("a stage failed")
    return (wall, *here.recv())


if __name__ == "__main__":
    main()
