"""One T1w image of an infant: tissues of the cerebellum, volumes, pictures, files."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import Merge
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.bids.query import SourceImage
from cerebbids.imaging.reading import OF_CUT_OUT_MM, count_voxels
from cerebbids.interfaces.classes import CheckClasses, MeasureClasses
from cerebbids.interfaces.images import Conform
from cerebbids.interfaces.infant import LabelTissues, TissueFigures
from cerebbids.systems.infant import INFANT
from cerebbids.workflows.derivatives import init_sink
from cerebbids.workflows.memory import gigabytes

BASE_GB = 4.0
"""Memory of the networks' process beside what every voxel of the image takes."""


def init_infant_wf(
    *,
    image: SourceImage,
    model: str,
    model_sha256: str,
    models_dir: Path | None,
    output_dir: Path,
    device: str,
    omp_nthreads: int,
) -> Workflow:
    """Process one T1w image of an infant: find the cerebellum, label its tissues, measure, draw, write.

    Parameters
    ----------
    image : SourceImage
        With its age.
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
In T1-weighted (T1w) images of infants, cerebellum and brainstem were found by a 3D U-Net at 2.5 mm, and in whole heads
the bias field was corrected inside the brain (N4, Tustison 2010). Fluid, grey and white matter of the cerebellum were
labelled at 0.8 mm along the image's own axes by a densely connected U-Net for the age nearest to the infant's (6, 12,
18 or 24 months), as the mean of its answers for the image and its mirror image, and a second network of the same kind
judged from these answers how far each label is to be trusted, after Sun 2020 (cerebbids model {model}). The network for
24 months has learnt from manual labels, those for younger infants from images that were simulated from these. Volumes
were measured without the brainstem, on the grid of the T1w image.
"""
    voxels = count_voxels(image.path)

    def memory(base: float, per_voxel: float) -> float:
        return gigabytes(base, per_voxel, voxels)

    use_gpu = device.startswith("cuda")
    conform = Node(
        Conform(in_file=str(image.path), version=__version__, least_mm=OF_CUT_OUT_MM), "conform", mem_gb=memory(0.3, 16)
    )
    # Not by size and time, as other files: work folders go by names, and another dataset may have the same.
    conform.config = {"execution": {"hash_method": "content"}}
    job = LabelTissues(
        months=image.months, model_sha256=model_sha256, version=__version__, models_dir=str(models_dir or ""),
        device=device, cpu_threads=omp_nthreads, use_gpu=use_gpu,
    )  # fmt: skip
    label = Node(job, "label", mem_gb=memory(BASE_GB, 40), n_procs=1 if use_gpu else omp_nthreads)
    measure = Node(MeasureClasses(system=INFANT.name), "measure", mem_gb=memory(0.4, 16))
    warnings = Node(Merge(2), "warnings", run_without_submitting=True)
    warnings.inputs.in1 = list(image.warnings)
    check = Node(CheckClasses(version=__version__, system=INFANT.name), "check", mem_gb=memory(0.4, 16))
    draw = Node(TissueFigures(), "draw", mem_gb=memory(0.6, 20))

    def write(key: str) -> Node:
        return init_sink(key, image, output_dir, memory(0.4, 12))

    figures = {key: write(f"figure_{key}") for key in ("tissues_dseg", "tissues_confidence", "place")}
    workflow.connect([
        (conform, label, [("out_file", "t1w")]),
        (conform, warnings, [("warnings", "in2")]),
        (label, measure, [("dseg", "dseg"), ("mask", "mask")]),
        (label, check, [("dseg", "dseg"), ("mask", "mask"), ("facts", "facts")]),
        (warnings, check, [("out", "known")]),
        (label, draw, [(key, key) for key in ("t1w", "dseg", "confidence", "place")]),
        (draw, figures["tissues_dseg"], [("dseg", "in_file")]),
        (draw, figures["tissues_confidence"], [("confidence", "in_file")]),
        (draw, figures["place"], [("place", "in_file")]),
        (check, write("tissues_qc"), [("qc", "in_file")]),
    ])  # fmt: skip
    made = {"tissues": "dseg", "tissues_probseg": "probseg", "tissues_confidence": "confidence", "mask": "mask"}
    for key, output in {**made, "t1w": "t1w"}.items():
        sink, meta = write(key), "t1w_meta" if key == "t1w" else "meta"
        workflow.connect([(label, sink, [(output, "in_file")]), (check, sink, [(meta, "meta_dict")])])
    table = write("tissues_morph")
    workflow.connect([(measure, table, [("out_file", "in_file")]), (check, table, [("meta", "meta_dict")])])
    return workflow
