"""What ``cerebbids-predict`` does with an infant's image: from one T1w to tissues of the cerebellum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from cerebbids.cli.job import InfantJob


def label_infant(device: torch.device, job: InfantJob, lap: Callable[[str], None]) -> dict[str, Any]:
    """Apply the networks on a device; write images (:mod:`cerebbids.inference.tissueoutputs`), return facts.

    Parameters
    ----------
    device : torch.device
    job : InfantJob
    lap : callable
        Told of the end of every stage.

    Raises
    ------
    ModelError
        The bundle will not do.
    SegmentationFailed
        No cerebellum was found, or the head is none of an infant.
    """
    import nibabel as nib

    from cerebbids.inference.infant import label
    from cerebbids.inference.models import read_bundle
    from cerebbids.inference.segment import load_net
    from cerebbids.inference.tissueoutputs import write_tissues
    from cerebbids.systems.infant import MODELS, nearest_model

    bundle = read_bundle(job.models_dir, job.system)
    age = nearest_model(job.months)
    needed = bundle.needed("tissues")
    nets = [load_net(needed[name], device) for name in ("place", MODELS[age], "confidence")]
    t1w = nib.load(job.t1w)
    lap("load")
    answer = label(*nets, t1w, job.months, device, job.cpu_threads, str(job.t1w), lap)
    write_tissues(job.out_dir, answer, t1w)
    lap("write")
    return {
        "model": bundle.title,
        "weights_sha256": bundle.sha256,
        "weights_licence": bundle.licence,
        "network": MODELS[age],
        "model_months": age,
        "months": job.months,
        **answer.facts(),
    }
