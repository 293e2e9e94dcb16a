"""From results in the working folder to files of the derivatives dataset."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.interfaces.sink import DerivativesDataSink
from cerebbids.workflows.memory import gigabytes

_META = {
    "t1w": "t1w_meta",
    "t1w_mni": "t1w_meta",
    "xfm_to_mni": "xfm_meta",
    "xfm_to_t1w": "xfm_meta",
    "dseg": "dseg_meta",
    "dseg_mni": "dseg_meta",
    "carved": "dseg_meta",
    "carved_fine": "dseg_meta",
    "carved_mni": "dseg_meta",
    "mask": "dseg_meta",
    "icv": "dseg_meta",
    "superres": "fine_meta",
    "superres_mni": "fine_meta",
    "t2w": "fine_meta",
    "t2w_mni": "fine_meta",
    "t2w_synth": "fine_meta",
    "t2w_synth_mni": "fine_meta",
    "morph": "dseg_meta",
    "carved_morph": "dseg_meta",
}


def init_derivatives_wf(*, image: SourceImage, voxels: int, output_dir: Path, name: str = "derivatives_wf") -> Workflow:
    """Write images, transforms and tables with their sidecars.

    Parameters
    ----------
    image : SourceImage
        The T1w that everything comes from.
    voxels : int
        Its size, which says how much memory the steps take.
    output_dir : Path
        Root of the derivatives.

    Inputs
    ------
    t1w, t1w_mni, xfm_to_mni, xfm_to_t1w, dseg, dseg_mni, mask, morph, superres, superres_mni
        Files, by their keys in :data:`cerebbids.bids.names.DERIVATIVES`.
    carved, carved_fine, carved_mni, carved_morph
        The same of the other convention.
    icv, t2w, t2w_mni, t2w_synth, t2w_synth_mni
        Files that need not be there (:data:`cerebbids.bids.names.OPTIONAL`): older ones are removed then.
    t1w_meta, xfm_meta, dseg_meta, fine_meta
        What to add to the sidecars; ``fine_meta`` to those of super-resolved and of T2w images.
    """
    workflow = Workflow(name)
    inputnode = Node(IdentityInterface([*_META, *sorted(set(_META.values()))], mandatory_inputs=False), "inputnode")
    memory = gigabytes(0.4, 12, voxels)
    for key, meta in _META.items():
        sink = init_sink(key, image, output_dir, memory)
        workflow.connect(inputnode, key, sink, "in_file")
        workflow.connect(inputnode, meta, sink, "meta_dict")
    return workflow


def init_sink(key: str, image: SourceImage, output_dir: Path, mem_gb: float) -> Node:
    """Make the node ``ds_<key>`` that writes one derivative."""
    places = {"base_directory": str(output_dir), "source_file": str(image.path)}
    sink = DerivativesDataSink(key, **places, **sidecar(key, image))
    return Node(sink, f"ds_{key}", mem_gb=mem_gb)
