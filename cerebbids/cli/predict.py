"""``cerebbids-predict``: the networks of one image, in a process of their own that can be killed without harm."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from traceback import format_exception_only
from typing import TYPE_CHECKING, Any

from cerebbids.cli.infantjob import label_infant
from cerebbids.cli.job import AnyJob, LobuleJob, read_job
from cerebbids.cli.parser import models_of_home
from cerebbids.cli.run import exit_code
from cerebbids.errors import CerebbidsError, is_out_of_memory, lacks_host_memory
from cerebbids.files import as_json, write_text

if TYPE_CHECKING:
    import torch

_ABOUT = "Apply the networks to one image, in a process that can be killed without harm to others; cerebbids calls it."


def run(job: AnyJob) -> None:
    """Apply all networks of a system; write images (see :mod:`cerebbids.inference.outputs`) and ``predict.json``.

    Raises
    ------
    CerebbidsError
        The bundle, the device or the image will not do.
    """
    # Threads that spin while they wait take four times as long for registrations on CPUs that others use, too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    import torch

    from cerebbids.inference.device import find_device

    torch.set_num_threads(max(1, job.cpu_threads))
    device = find_device(job.device)
    facts, reason = None, ""
    try:
        facts = _run_on(device, job)
    except RuntimeError as error:
        if device.type == "cpu" or not is_out_of_memory(error):
            raise
        reason = shorten(str(error), 200)
    if facts is None:  # not in the handler, which would keep what the failed attempt holds
        torch.cuda.empty_cache()
        facts = _run_on(torch.device("cpu"), job)
        facts["warnings"].append(f"The memory of the GPU ran out, and the networks ran on the CPU ({reason}).")
    write_text(job.out_dir / "predict.json", as_json(facts))


def _run_on(device: torch.device, job: AnyJob) -> dict[str, Any]:
    """Apply the networks on a device; write images, return facts, and what they took."""
    import torch

    clock = Clock()
    facts = _facts_of(device, job, clock.lap)
    return {
        "warnings": [],
        **facts,
        "device": str(device),
        "torch": torch.__version__,
        "seconds": clock.seconds(),
        "laps": clock.laps,
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "peak_gpu_gb": round(torch.cuda.max_memory_allocated(device) / 2**30, 2) if device.type == "cuda" else None,
    }


def _facts_of(device: torch.device, job: AnyJob, lap: Callable[[str], None]) -> dict[str, Any]:
    return _label_lobules(device, job, lap) if isinstance(job, LobuleJob) else label_infant(device, job, lap)


def _label_lobules(device: torch.device, job: LobuleJob, lap: Callable[[str], None]) -> dict[str, Any]:
    import nibabel as nib

    from cerebbids.imaging.xfm import read_itk_affine
    from cerebbids.inference import outputs
    from cerebbids.inference.fine import is_fine
    from cerebbids.inference.imageside import RealT2w, image_side
    from cerebbids.inference.library import read_library
    from cerebbids.inference.lobules import Tools, find_lobules
    from cerebbids.inference.models import read_bundle
    from cerebbids.inference.segment import load_net
    from cerebbids.inference.tissue import check_tissue, tissue_labels

    bundle = read_bundle(job.models_dir, job.system)
    nets = {name: load_net(network, device) for name, network in bundle.needed(job.method).items()}
    grids = {name: network.grid for name, network in bundle.networks.items()}
    library = None
    if "deform" in nets:
        library = read_library(job.library or bundle.library, grids["deform"], bundle.scheme)
    t1w, t1w_to_mni = nib.load(job.t1w), read_itk_affine(job.xfm)
    real = None
    if job.t2w and job.xfm_t2w:
        real = RealT2w(nib.load(job.t2w), t1w_to_mni @ read_itk_affine(job.xfm_t2w), job.t2w_required)
    lap("load")
    side = image_side(
        nets, grids, t1w, t1w_to_mni,
        stripped=job.skull_stripped, real=real, device=device, threads=job.cpu_threads,
        name=str(job.t1w), lap=lap,
    )  # fmt: skip
    tools = Tools(nets, grids, library, device)
    answer = find_lobules(job.method, tools, t1w, t1w_to_mni, side, str(job.t1w), flip=job.flip, lap=lap)
    lap("lobules")
    fine = grids["contrast"]
    carved = tissue_labels(answer, side, fine)
    faint = check_tissue(carved, fine, answer, str(job.t1w))
    lap("tissue labels")
    labels = outputs.write_labels(job.out_dir, answer, t1w, t1w_to_mni, save_probabilities=job.save_probabilities)
    cut = outputs.write_carved(job.out_dir, carved, fine, t1w, t1w_to_mni)
    if answer.atlas is not None:
        outputs.write_atlas(job.out_dir, answer.atlas, fine)
    outputs.write_image_side(job.out_dir, side, fine, t1w, t1w_to_mni)
    outputs.write_native_t2w(job.out_dir, side, fine, t1w, t1w_to_mni, real)
    lap("write")
    voters = None
    if library is not None:
        voters = {"sha256": library.sha256, "members": len(library.images) // 2, "licence": library.licence}
    return {
        "model": bundle.title,
        "weights_sha256": bundle.sha256,
        "weights_licence": bundle.licence,
        "method": job.method,
        "flip": job.flip,
        "library": voters,
        "superresolved": not is_fine(t1w),
        **outputs.image_facts(side),
        "warnings": [*side.warnings, *answer.warnings, *labels.warnings, *faint, *cut],
        "confidence": labels.confidence,
        **answer.agreements,
    }


class Clock:
    """Seconds since its making, and of each stage."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.laps: dict[str, float] = {}

    def seconds(self) -> float:
        """Seconds since the clock was made."""
        return round(time.monotonic() - self.began, 1)

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.monotonic()
        self.laps[stage], self.last = round(now - self.last, 1), now


def main(argv: list[str] | None = None) -> int:
    """Run one job; a failure is one line on standard error, as a traceback would end with it, and exit code 1."""
    parser = argparse.ArgumentParser(prog="cerebbids-predict", description=_ABOUT)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--spec", type=Path, help="JSON file with the job")
    asked.add_argument(
        "--self-test", action="store_true", help="see whether all weights are whole and a device can run them, and stop"
    )
    arguments = parser.parse_args(argv)
    if arguments.self_test:
        return exit_code(_self_test)
    try:
        run(read_job(arguments.spec))
    except Exception as error:
        told = error if isinstance(error, CerebbidsError) else _surprise(arguments.spec, error)
        print(*format_exception_only(told), sep="", end="", file=sys.stderr)
        return 1
    return 0


def _self_test() -> int:
    from cerebbids.inference.selftest import self_test

    try:
        for told in self_test(models_of_home()):
            print(told)
    except RuntimeError as error:
        raise _surprise("self-test", error) from error
    return 0


def _surprise(spec: Path | str, error: Exception) -> CerebbidsError:
    reason = shorten(f"{type(error).__name__}: {error}", 300)  # and on one line, which those of CUDA are not
    if is_out_of_memory(error):
        return CerebbidsError(str(spec), reason, "use --device cpu or a GPU with more memory")
    if lacks_host_memory(error):
        return CerebbidsError(str(spec), reason, "give it more memory, or run fewer at once (--nprocs)")
    if "no kernel image" in str(error):
        return CerebbidsError(str(spec), reason, "take a PyTorch made for this GPU, or use --device cpu")
    return CerebbidsError(str(spec), reason, "report this as a bug")


if __name__ == "__main__":
    sys.exit(main())
