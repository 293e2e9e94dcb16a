"""What ``cerebbids-predict`` does with an infant's images: tissues of the cerebellum, or classes of the whole brain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cerebbids.cli.job import BrainJob, InfantJob

if TYPE_CHECKING:
    import torch

    from cerebbids.inference.models import Bundle


def label_infant(device: torch.device, job: InfantJob | BrainJob, lap: Callable[[str], None]) -> dict[str, Any]:
    """Apply the networks on a device; write images, return facts.

    Parameters
    ----------
    device : torch.device
    job : InfantJob or BrainJob
    lap : callable
        Told of the end of every stage.

    Raises
    ------
    ModelError
        The bundle will not do.
    SegmentationFailed
        Nothing was found, the head is none of an infant, or two images do not show one brain.
    """
    from cerebbids.inference.models import read_bundle

    bundle = read_bundle(job.models_dir, job.system)
    if isinstance(job, InfantJob):
        facts = _label_tissues(bundle, device, job, lap)
    else:
        facts = _label_brain(bundle, device, job, lap)
    lap("write")
    return {
        "model": bundle.title,
        "weights_sha256": bundle.sha256,
        "weights_licence": bundle.licence,
        "months": job.months,
        **facts,
    }


def _label_tissues(bundle: Bundle, device: torch.device, job: InfantJob, lap: Callable[[str], None]) -> dict[str, Any]:
    import nibabel as nib

    from cerebbids.inference.infant import label
    from cerebbids.inference.segment import load_net
    from cerebbids.inference.tissueoutputs import write_tissues
    from cerebbids.systems.infant import MODELS, nearest_model

    age = nearest_model(job.months)
    needed = bundle.needed("tissues")
    nets = [load_net(needed[name], device) for name in ("place", MODELS[age], "confidence")]
    t1w = nib.load(job.t1w)
    lap("load")
    answer = label(*nets, t1w, job.months, device, job.cpu_threads, str(job.t1w), lap)
    write_tissues(job.out_dir, answer, t1w)
    return {"network": MODELS[age], "model_months": age, **answer.facts()}


def _label_brain(bundle: Bundle, device: torch.device, job: BrainJob, lap: Callable[[str], None]) -> dict[str, Any]:
    import nibabel as nib

    from cerebbids.inference.brainoutputs import write_brain
    from cerebbids.inference.segment import load_net
    from cerebbids.inference.wholebrain import label_brain
    from cerebbids.systems.published import SYSTEMS

    nets = {name: load_net(network, device) for name, network in bundle.needed("brain").items()}
    t1w, t2w = nib.load(job.t1w), nib.load(job.t2w)
    lap("load")
    brain = label_brain(job.system, nets, t1w, t2w, device, job.cpu_threads, str(job.t1w), lap)
    write_brain(job.out_dir, brain, t1w, SYSTEMS[job.system].cerebellum)
    return brain.facts()
