"""From the file of the scanner to a clean T1w image and its place in the working space."""

from __future__ import annotations

from nipype.interfaces.utility import IdentityInterface, Merge
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.interfaces.images import Conform, CorrectBias, Denoise, ResampleToTemplate
from cerebbids.interfaces.register import LocateBrain, RegisterToMNI
from cerebbids.systems.space import SPACE
from cerebbids.workflows.memory import gigabytes


def init_preprocess_wf(
    *, voxels: int, omp_nthreads: int, sloppy: bool = False, name: str = "preprocess_wf"
) -> Workflow:
    """Conform, locate the brain, denoise, correct for bias, register.

    Parameters
    ----------
    voxels : int
        Size of the image, which says how much memory the steps take.
    omp_nthreads : int
        CPUs of one process.
    sloppy : bool
        Whether to register coarsely.

    Inputs
    ------
    t1w
        T1w image as the dataset has it.

    Outputs
    -------
    scan
        T1w image of the file, in one plain form.
    t1w
        Clean T1w image on the grid of the file.
    t1w_mni
        The same on the template's grid.
    xfm_to_mni, xfm_to_t1w
        ITK affines that resample onto the template, and back.
    skull_stripped
        Whether the image shows a bare brain.
    t1w_meta, xfm_meta
        What the registration found, for the sidecars.
    warnings
        What in the file had to be settled, and what is odd about it.
    """
    workflow = Workflow(name)
    workflow.__desc__ = f"""
The T1-weighted (T1w) image was denoised with a spatially adaptive non-local means filter for Rician noise
(Manjón 2010; DenoiseImage of ANTs, patch radius 1, search radius 2), corrected for intensity non-uniformity
with N4 (Tustison 2010), and registered to the {SPACE} template (Fonov 2009) with an affine transform
that was accepted only if the brain came to lie on that of the template.
"""
    inputnode = Node(IdentityInterface(["t1w"]), "inputnode")
    found = ("xfm_to_mni", "xfm_to_t1w", "skull_stripped", "t1w_meta", "xfm_meta")
    outputs = ["scan", "t1w", "t1w_mni", *found, "warnings"]
    outputnode = Node(IdentityInterface(outputs), "outputnode")

    def memory(base: float, per_voxel: float) -> float:
        return gigabytes(base, per_voxel, voxels)

    conform = Node(Conform(version=__version__), "conform", mem_gb=memory(0.3, 16))
    # Not by size and time, as other files: work folders go by names, and another dataset may have the same.
    conform.config = {"execution": {"hash_method": "content"}}
    locate = Node(LocateBrain(num_threads=omp_nthreads), "locate", mem_gb=memory(1.1, 14))
    denoise = Node(Denoise(num_threads=omp_nthreads), "denoise", mem_gb=memory(0.4, 55))
    correct_bias = Node(CorrectBias(num_threads=omp_nthreads), "correct_bias", mem_gb=memory(0.4, 30))
    register = Node(RegisterToMNI(num_threads=omp_nthreads, sloppy=sloppy), "register", mem_gb=memory(1.1, 28))
    merge = Node(Merge(2), "merge", run_without_submitting=True)
    to_template = Node(ResampleToTemplate(), "to_template", mem_gb=memory(0.5, 6))

    workflow.connect([
        (inputnode, conform, [("t1w", "in_file")]),
        (inputnode, locate, [("t1w", "source")]),
        (conform, locate, [("out_file", "in_file")]),
        (conform, denoise, [("out_file", "in_file")]),
        (locate, denoise, [("xfm_to_mni", "xfm_to_mni")]),
        (denoise, correct_bias, [("out_file", "in_file")]),
        (locate, correct_bias, [("xfm_to_mni", "xfm_to_mni")]),
        (correct_bias, register, [("out_file", "in_file")]),
        (locate, register, [("xfm_to_mni", "near"), ("strategy", "strategy")]),
        (correct_bias, to_template, [("out_file", "in_file")]),
        (register, to_template, [("xfm_to_t1w", "xfm_to_t1w")]),
        (conform, merge, [("warnings", "in1")]),
        (register, merge, [("warnings", "in2")]),
        (merge, outputnode, [("out", "warnings")]),
        (conform, outputnode, [("out_file", "scan")]),
        (correct_bias, outputnode, [("out_file", "t1w")]),
        (to_template, outputnode, [("out_file", "t1w_mni")]),
        (register, outputnode, [(key, key) for key in found]),
    ])  # fmt: skip
    return workflow
