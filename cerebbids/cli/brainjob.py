"""What ``cerebbids-predict`` does with an infant's T1w and T2w images: tissues of the whole brain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from cerebbids.cli.job import BrainJob


def label_pair(device: torch.device, job: BrainJob, lap: Callable[[str], None]) -> dict[str, Any]:
    """Apply the networks on a device; write images (:mod:`cerebbids.inference.brainoutputs`), return facts.

    Parameters
    ----------
    device : torch.device
    job : BrainJob
    lap : callable
        Told of the end of every stage.

    Raises
    ------
    ModelError
        The bundle will not do.
    SegmentationFailed
        No brain was found, or the two images do not show one brain.
    """
    import nibabel as nib

    from cerebbids.inference.brainoutputs import write_brain
    from cerebbids.inference.models import read_bundle
    from cerebbids.inference.segment import load_net
    from cerebbids.inference.wholebrain import label_brain
    from cerebbids.systems.published import SYSTEMS

    bundle = read_bundle(job.models_dir, job.system)
    nets = {name: load_net(network, device) for name, network in bundle.needed("brain").items()}
    t1w, t2w = nib.load(job.t1w), nib.load(job.t2w)
    lap("load")
    brain = label_brain(job.system, nets, t1w, t2w, device, job.cpu_threads, str(job.t1w), lap)
    write_brain(job.out_dir, brain, t1w, SYSTEMS[job.system].cerebellum)
    lap("write")
    return {
        "model": bundle.title,
        "weights_sha256": bundle.sha256,
        "weights_licence": bundle.licence,
        "months": job.months,
        **brain.facts(),
    }
