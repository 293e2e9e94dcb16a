"""From the T2w file of the scanner to a clean image that lies on the T1w image."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.interfaces.t2w import PrepareT2w
from cerebbids.workflows.memory import gigabytes


def init_t2w_wf(*, t2w: Path | None, mode: str, voxels: int, omp_nthreads: int, name: str = "t2w_wf") -> Workflow:
    """Clean the T2w image of the session, register it to the T1w image, and check that it can be used.

    Parameters
    ----------
    t2w : Path or None
        T2w image as the dataset has it.
    mode : str
        ``auto`` (an image that does not pass is left out, with a warning), ``real`` (it fails) or ``synth`` (no T2w
        image is looked at).
    voxels : int
        Size of the T2w image, which says how much memory the step takes.
    omp_nthreads : int
        CPUs of one process.

    Inputs
    ------
    t1w, xfm_to_mni
        Clean T1w image, and the ITK affine that resamples it onto the template.

    Outputs
    -------
    t2w
        Clean T2w image on the grid of the file; undefined when there is none, or none that passed.
    xfm_t2w_to_t1w
        ITK affine, rigid, that resamples it onto the T1w image; undefined likewise.
    warnings
        A sentence that says why the T2w image was not used; empty when it was, or when there is none.
    t2w_meta
        What the check has measured, for the sidecars.
    """
    workflow = Workflow(name)
    inputnode = Node(IdentityInterface(["t1w", "xfm_to_mni"]), "inputnode")
    outputs = ["t2w", "xfm_t2w_to_t1w", "warnings", "t2w_meta"]
    outputnode = Node(IdentityInterface(outputs), "outputnode")
    if mode != "synth":  # also without an image: what all images of a run say in the same words is told once
        workflow.__desc__ = """
A T2-weighted (T2w) image of the same session, where there was one, was registered to the T1w image with a rigid
transform that maximises the correlation ratio inside the brain, and denoised and corrected for intensity
non-uniformity as the T1w image was. It was used only if it showed the cerebellum, fitted the anatomy of the T1w image
and had T2 contrast.
"""
    if t2w is None or mode == "synth":
        outputnode.inputs.trait_set(warnings=[], t2w_meta={})
        workflow.add_nodes([inputnode, outputnode])
        return workflow
    job = PrepareT2w(in_file=str(t2w), required=mode == "real", version=__version__, num_threads=omp_nthreads)
    prepare = Node(job, "prepare", mem_gb=gigabytes(1.2, 70, voxels))
    # Not by size and time, as other files: work folders go by names, and another dataset may have the same.
    prepare.config = {"execution": {"hash_method": "content"}}
    workflow.connect([
        (inputnode, prepare, [("t1w", "t1w"), ("xfm_to_mni", "xfm_to_mni")]),
        (prepare, outputnode, [(field, field) for field in outputs]),
    ])  # fmt: skip
    return workflow
