"""From results in the working folder to files of the derivatives dataset."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.names import OF_LABELS, YIELDS
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.interfaces.sink import DerivativesDataSink
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.workflows.memory import gigabytes

_META: dict[str, str | None] = {
    "t1w": "t1w_meta",
    "t1w_mni": "t1w_meta",
    "xfm_to_mni": "xfm_meta",
    "xfm_to_t1w": "xfm_meta",
    **dict.fromkeys((key for key in OF_LABELS if key in YIELDS[DEEPCERES.name]), "dseg_meta"),
    "superres": "fine_meta",
    "superres_mni": "fine_meta",
    "t2w": "fine_meta",
    "t2w_mni": "fine_meta",
    "t2w_synth": "fine_meta",
    "t2w_synth_mni": "fine_meta",
    "qc": None,
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
    confidence, qc
        Probability of each voxel's label, and quality in numbers (which has no sidecar).
    icv, t2w, t2w_mni, t2w_synth, t2w_synth_mni, vermis, vermis_morph, probseg, atlas_mni
        Files that need not be there (:data:`cerebbids.bids.names.OPTIONAL`): older ones are removed then.
    t1w_meta, xfm_meta, dseg_meta, fine_meta
        What to add to the sidecars; ``fine_meta`` to those of super-resolved and of T2w images.
    """
    workflow = Workflow(name)
    metas = sorted({meta for meta in _META.values() if meta})
    inputnode = Node(IdentityInterface([*_META, *metas], mandatory_inputs=False), "inputnode")
    memory = gigabytes(0.4, 12, voxels)
    for key, meta in _META.items():
        sink = init_sink(key, image, output_dir, memory)
        workflow.connect(inputnode, key, sink, "in_file")
        if meta:
            workflow.connect(inputnode, meta, sink, "meta_dict")
    return workflow


def init_sink(key: str, image: SourceImage, output_dir: Path, mem_gb: float) -> Node:
    """Make the node ``ds_<key>`` that writes one derivative."""
    places = {"base_directory": str(output_dir), "source_file": str(image.path)}
    sink = DerivativesDataSink(key, **places, **sidecar(key, image))
    return Node(sink, f"ds_{key}", mem_gb=mem_gb)
