"""``cerebbids-predict``: the networks of one image, in a process of their own that can be killed without harm."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from traceback import format_exception_only

from cerebbids.errors import CerebbidsError


@dataclass(frozen=True)
class Job:
    """What to segment, with what, where to.

    Parameters
    ----------
    system : str
        Which model bundle.
    t1w : Path
        Preprocessed T1w; its grid is the grid of the native outputs.
    xfm : Path
        ITK affine from the T1w to the working space.
    models_dir : Path or None
        Folder of bundles; ``None`` is the packaged one.
    device : str
    cpu_threads : int
    out_dir : Path
    """

    system: str
    t1w: Path
    xfm: Path
    models_dir: Path | None
    device: str
    cpu_threads: int
    out_dir: Path


def read_job(path: Path) -> Job:
    """Read a job from JSON (keys: the fields of :class:`Job`)."""
    told = json.loads(Path(path).read_text())
    models = told["models_dir"]
    return Job(
        system=told["system"], t1w=Path(told["t1w"]), xfm=Path(told["xfm"]),
        models_dir=Path(models) if models else None, device=told["device"],
        cpu_threads=int(told["cpu_threads"]), out_dir=Path(told["out_dir"]),
    )  # fmt: skip


def run(job: Job) -> None:
    """Segment and write ``dseg``, ``dseg_mni``, ``mask`` (NIfTI, uint8) and ``predict.json`` into ``job.out_dir``.

    Raises
    ------
    CerebbidsError
        The bundle, the device or the image will not do.
    """
    import nibabel as nib
    import numpy as np
    import torch

    from cerebbids.data.labels import load_scheme
    from cerebbids.files import atomic, write_text
    from cerebbids.imaging.faces import cut_off
    from cerebbids.imaging.template import template_t1w
    from cerebbids.imaging.xfm import read_itk_affine
    from cerebbids.inference.device import find_device
    from cerebbids.inference.models import read_bundle
    from cerebbids.inference.segment import confidence, labels_on_grid, load_net, segment

    began = time.monotonic()
    torch.set_num_threads(max(1, job.cpu_threads))
    device = find_device(job.device)
    bundle = read_bundle(job.models_dir, job.system)
    t1w, t1w_to_mni = nib.load(job.t1w), read_itk_affine(job.xfm)
    scheme = load_scheme(bundle.scheme)
    probabilities = segment(load_net(bundle, device), bundle, t1w, t1w_to_mni, device, str(job.t1w))

    def save(labels: np.ndarray, affine: np.ndarray, header: nib.Nifti1Header | None, name: str) -> None:
        image = nib.Nifti1Image(labels, affine, header)
        image.set_data_dtype(np.uint8)
        image.header.set_slope_inter(1, 0)
        with atomic(job.out_dir / name) as draft:
            nib.save(image, draft)

    native = labels_on_grid(probabilities, bundle.grid, t1w.shape, t1w.affine, t1w_to_mni, scheme.indices)
    save(native, t1w.affine, t1w.header, "dseg.nii.gz")
    save((native > 0).astype(np.uint8), t1w.affine, t1w.header, "mask.nii.gz")
    template = template_t1w()
    standard = labels_on_grid(probabilities, bundle.grid, template.shape, template.affine, np.eye(4), scheme.indices)
    save(standard, template.affine, None, "dseg_mni.nii.gz")
    sure = confidence(probabilities)
    facts = {
        "model": bundle.title,
        "weights_sha256": bundle.sha256,
        "weights_licence": bundle.licence,
        "device": str(device),
        "torch": torch.__version__,
        "seconds": round(time.monotonic() - began, 1),
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "warnings": list(cut_off(probabilities.argmax(0).numpy(), standard)),
        "confidence": {label.abbreviation: round(c, 3) for label, c in zip(scheme.labels, sure, strict=True)},
    }
    write_text(job.out_dir / "predict.json", json.dumps(facts, indent=2))


def main(argv: list[str] | None = None) -> int:
    """Run one job; a failure is one line on standard error, as a traceback would end with it, and exit code 1."""
    parser = argparse.ArgumentParser(prog="cerebbids-predict", description=__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="JSON file with the job")
    arguments = parser.parse_args(argv)
    try:
        run(read_job(arguments.spec))
    except Exception as error:
        told = error if isinstance(error, CerebbidsError) else _surprise(arguments.spec, error)
        print(*format_exception_only(told), sep="", end="", file=sys.stderr)
        return 1
    return 0


def _surprise(spec: Path, error: Exception) -> CerebbidsError:
    reason = shorten(f"{type(error).__name__}: {error}", 300)  # and on one line, which those of CUDA are not
    if type(error).__name__ == "OutOfMemoryError":  # PyTorch's, which need not have been loaded
        return CerebbidsError(str(spec), reason, "use --device cpu or a GPU with more memory")
    return CerebbidsError(str(spec), reason, "report this as a bug")


if __name__ == "__main__":
    sys.exit(main())
