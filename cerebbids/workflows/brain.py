"""T1w and T2w images of one infant: classes of the whole brain, volumes, pictures, files."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import Merge
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.bids.names import LABELS
from cerebbids.bids.query import SourceImage
from cerebbids.imaging.reading import count_voxels
from cerebbids.interfaces.brain import BrainFigures, LabelBrain
from cerebbids.interfaces.classes import CheckClasses, MeasureClasses
from cerebbids.interfaces.images import Conform
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL
from cerebbids.workflows.derivatives import init_sink
from cerebbids.workflows.memory import gigabytes

BASE_GB = 4.0
"""Memory of the networks' process beside what every voxel of the image takes."""
_METHODS = {
    ISOINTENSE.name: (
        "Fluid, grey and white matter of the cerebrum were labelled by two fully convolutional networks with a stream "
        "for each image, of which the second saw distances to what the first one had found, after Zeng 2018"
    ),
    NEONATAL.name: (
        "Nine classes of the brain (those of DrawEM) were labelled by a residual U-Net, after Richter 2022"
    ),
}


def init_brain_wf(
    *,
    image: SourceImage,
    model: str,
    model_sha256: str,
    models_dir: Path | None,
    output_dir: Path,
    device: str,
    omp_nthreads: int,
) -> Workflow:
    """Process the T1w and T2w images of an infant: find the brain, label it, measure, draw, write.

    Parameters
    ----------
    image : SourceImage
        With its T2w image.
    model, model_sha256 : str
        Title and hash of the model bundle.
    models_dir : Path or None
        Folder of model bundles; none for the packaged ones.
    output_dir : Path
        Root of the derivatives.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``, and ``auto`` on a cluster; on a GPU, images take turns.
    omp_nthreads : int
        CPUs of one process.
    """
    workflow = Workflow(image.workflow)
    workflow.__desc__ = f"""
In T1-weighted (T1w) images of infants to whom the system {image.system} was applied, the brain was found by a 3D U-Net
at 2.5 mm. A T2-weighted (T2w) image of the same session was registered to the T1w image with a rigid transform that
maximises the correlation ratio inside the brain; the bias field of both was corrected there (N4, Tustison 2010) unless
they were skull-stripped. {_METHODS[image.system]}, at 1 mm along the axes of the T1w image (cerebbids model {model}).
These networks have learnt from synthetic images alone, and were not validated on real infants. Volumes were measured
on the grid of the T1w image.
"""
    base, t2w = LABELS[image.system], image.t2w
    if t2w is None:
        raise ValueError(f"{image.relative} has no T2w image")
    voxels, t2w_voxels = count_voxels(image.path), count_voxels(t2w)

    def memory(base_gb: float, per_voxel: float) -> float:
        return gigabytes(base_gb, per_voxel, max(voxels, t2w_voxels))

    use_gpu, system = device.startswith("cuda"), {"system": image.system}
    conform, conform_t2w = (
        Node(Conform(in_file=str(path), version=__version__), name, mem_gb=memory(0.3, 16))
        for path, name in ((image.path, "conform"), (t2w, "conform_t2w"))
    )
    for node in (conform, conform_t2w):
        # Not by size and time, as other files: work folders go by names, and another dataset may have the same.
        node.config = {"execution": {"hash_method": "content"}}
    job = LabelBrain(
        model_sha256=model_sha256, version=__version__, models_dir=str(models_dir or ""), device=device,
        cpu_threads=omp_nthreads, use_gpu=use_gpu, **system,
    )  # fmt: skip
    if image.months is not None:
        job.inputs.months = image.months
    label = Node(job, "label", mem_gb=memory(BASE_GB, 80), n_procs=1 if use_gpu else omp_nthreads)
    measure = Node(MeasureClasses(**system), "measure", mem_gb=memory(0.4, 16))
    warnings = Node(Merge(3), "warnings", run_without_submitting=True)
    warnings.inputs.in1 = list(image.warnings)
    check = Node(CheckClasses(version=__version__, **system), "check", mem_gb=memory(0.4, 16))
    draw = Node(BrainFigures(**system), "draw", mem_gb=memory(0.6, 30))

    def write(key: str) -> Node:
        return init_sink(key, image, output_dir, memory(0.4, 12))

    pictures = {"dseg": f"{base}_dseg", "confidence": f"{base}_confidence", "shown": "shown", "pair": "pair"}
    workflow.connect([
        (conform, label, [("out_file", "t1w")]),
        (conform_t2w, label, [("out_file", "t2w")]),
        (conform, warnings, [("warnings", "in2")]),
        (conform_t2w, warnings, [("warnings", "in3")]),
        (label, measure, [("dseg", "dseg")]),
        (label, check, [("dseg", "dseg"), ("facts", "facts")]),
        (warnings, check, [("out", "known")]),
        (label, draw, [(key, key) for key in ("t1w", "t2w", "dseg", "confidence", "shown")]),
        (check, write(f"{base}_qc"), [("qc", "in_file")]),
        *((draw, write(f"figure_{key}"), [(output, "in_file")]) for output, key in pictures.items()),
    ])  # fmt: skip
    made = {base: "dseg", f"{base}_probseg": "probseg", f"{base}_confidence": "confidence", "shown": "shown"}
    made |= {"mask": "mask"} if image.system == NEONATAL.name else {}
    for key, output in {**made, "t1w": "t1w", "t2w": "t2w"}.items():
        sink, meta = write(key), f"{key}_meta" if key in ("t1w", "t2w") else "meta"
        workflow.connect([(label, sink, [(output, "in_file")]), (check, sink, [(meta, "meta_dict")])])
    table = write(f"{base}_morph")
    workflow.connect([(measure, table, [("out_file", "in_file")]), (check, table, [("meta", "meta_dict")])])
    return workflow
