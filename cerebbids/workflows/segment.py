"""From a clean T1w image to labels and volumes."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.bids.names import SCHEME
from cerebbids.interfaces.measure import CheckSegmentation, MeasureVolumes
from cerebbids.interfaces.predict import Predict
from cerebbids.workflows.memory import gigabytes


def init_segment_wf(
    *,
    voxels: int,
    system: str,
    model: str,
    model_sha256: str,
    models_dir: Path | None,
    device: str,
    omp_nthreads: int,
    name: str = "segment_wf",
) -> Workflow:
    """Apply the networks, measure, look for what cannot be.

    Parameters
    ----------
    voxels : int
        Size of the image, which says how much memory the steps take.
    system : str
        Published system whose networks to apply.
    model, model_sha256 : str
        Title and hash of its model bundle.
    models_dir : Path or None
        Folder of model bundles; none for the packaged ones.
    device : str
        ``cpu`` or ``cuda:N``; on a GPU, images take turns.
    omp_nthreads : int
        CPUs of one process.

    Inputs
    ------
    t1w, xfm_to_mni
        Clean T1w image, and the ITK affine that resamples it onto the template.
    warnings
        Of the steps before.

    Outputs
    -------
    dseg, dseg_mni, mask
        Labels on the grid of the T1w image and of the template; cerebellum on the grid of the T1w image.
    morph
        Table of volumes.
    dseg_meta
        Provenance and warnings, for the sidecars.
    """
    workflow = Workflow(name)
    workflow.__desc__ = f"""
The lobules of the cerebellum and its white matter were segmented in the space of the template by one 3D U-Net
(cerebbids model {model}), whose labels follow those of DeepCERES (Morell-Ortega 2025), and brought back onto
the grid of the T1w image, where the volumes were measured.
"""
    use_gpu = device != "cpu"
    inputnode = Node(IdentityInterface(["t1w", "xfm_to_mni", "warnings"]), "inputnode")
    outputnode = Node(IdentityInterface(["dseg", "dseg_mni", "mask", "morph", "dseg_meta"]), "outputnode")

    job = Predict(
        system=system,
        version=__version__,
        model_sha256=model_sha256,
        models_dir=str(models_dir or ""),
        device=device,
        cpu_threads=omp_nthreads,
        use_gpu=use_gpu,
    )
    # On a GPU, n_procs counts GPU slots.
    predict = Node(job, "predict", mem_gb=gigabytes(2, 12, voxels), n_procs=1 if use_gpu else omp_nthreads)
    measure = Node(MeasureVolumes(scheme=SCHEME), "measure", mem_gb=gigabytes(0.4, 16, voxels))
    check = Node(CheckSegmentation(version=__version__), "check", mem_gb=gigabytes(0.4, 16, voxels))

    workflow.connect([
        (inputnode, predict, [("t1w", "t1w"), ("xfm_to_mni", "xfm")]),
        (inputnode, check, [("t1w", "t1w"), ("warnings", "known")]),
        (predict, measure, [("dseg", "dseg")]),
        (predict, check, [("dseg", "dseg"), ("facts", "facts")]),
        (predict, outputnode, [("dseg", "dseg"), ("dseg_mni", "dseg_mni"), ("mask", "mask")]),
        (measure, outputnode, [("out_file", "morph")]),
        (check, outputnode, [("meta", "dseg_meta")]),
    ])  # fmt: skip
    return workflow
