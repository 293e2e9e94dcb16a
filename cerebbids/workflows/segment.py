"""From a clean T1w image to labels and volumes."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.bids.names import CARVED, COMPARTMENTS, VERMIS
from cerebbids.interfaces.measure import CheckSegmentation, MeasureVolumes
from cerebbids.interfaces.predict import Predict
from cerebbids.systems.deepceres import VOTERS
from cerebbids.workflows.memory import gigabytes

_METHODS = {
    "nets": """at 0.5 mm from T1w and T2w
contrast by a cascade of networks: the first stage tells sides and vermis, the second names the lobules inside of them
(seg-LobulesVermis has the vermis of the first), and each is the mean of a deep pyramidal network and a 3D U-Net. Both
see the mean of an atlas of the subject (the vote of the most similar cerebella of {library}, at most {voters})
and of the answer of a 3D U-Net at 1 mm{flip}. The labels are
those of the mean of that answer and the cascade's""",
    "fast": """at 1 mm from the T1w
image alone, by one 3D U-Net""",
    "atlas": """at 1 mm from the T1w
image alone, by the vote of the (at most {voters}) most similar cerebella of {library},
mirrored ones among them, each registered by a network and some steps of gradient descent, and weighted by how alike
brightness is (Morell-Ortega 2025, equation 2)""",
}

_BASE_GB = {"nets": 5.0, "fast": 2.0, "atlas": 2.0}
"""Memory of the networks' process beside what every voxel of the image takes, as ``benchmarks/stages.py`` found it."""


def init_segment_wf(
    *,
    voxels: int,
    system: str,
    model: str,
    model_sha256: str,
    models_dir: Path | None,
    method: str,
    flip: bool,
    save_probabilities: bool,
    library: Path | None,
    device: str,
    omp_nthreads: int,
    t2w_required: bool = False,
    t2w_voxels: int = 0,
    sloppy: bool = False,
    name: str = "segment_wf",
) -> Workflow:
    """Apply the networks, measure, look for what cannot be.

    All networks of an image run in one process, which loads them once.

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
    method : str
        ``nets``, ``fast`` or ``atlas``: what names the lobules.
    flip, save_probabilities : bool
        Whether the cascade sees the mirror image, too; whether to write the probabilities of all labels.
    library : Path or None
        Folder of the library that votes; none for the bundle's.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``, and ``auto`` on a cluster; on a GPU, images take turns.
    omp_nthreads : int
        CPUs of one process.
    t2w_required : bool
        Whether an image fails whose T2w image cannot be used.
    t2w_voxels : int
        Size of the T2w image.
    sloppy : bool
        Whether the registration was coarse, which the sidecars tell.

    Inputs
    ------
    t1w, xfm_to_mni, skull_stripped
        Clean T1w image, the ITK affine that resamples it onto the template, and whether it shows a bare brain.
    scan
        The T1w image before it was denoised.
    t2w, xfm_t2w_to_t1w
        Clean T2w image, and the ITK affine that resamples it onto the T1w image; not set where there is none.
    t2w_meta
        What its check has measured.
    warnings
        Of the steps before.

    Outputs
    -------
    dseg, dseg_mni, mask, confidence
        Labels on the grid of the T1w image and of the template; cerebellum, and the probability of each voxel's label,
        on the grid of the T1w image.
    vermis, vermis_morph, probseg
        Labels with the vermis told apart, and their table; probabilities of all labels. Where there are any.
    atlas_mni
        Labels that the library voted for, at 0.5 mm in the space of the template; where one was asked.
    carved, carved_fine, carved_mni
        Labels without fluid and peduncles on the grid of the T1w image, and at 0.5 mm on those of ``superres`` and
        ``superres_mni``.
    icv
        Intracranial cavity on the grid of the T1w image; not of a stripped one.
    superres, superres_mni
        Cerebellum at 0.5 mm, in the worlds of T1w image and template.
    t2w, t2w_mni
        Real T2w image on the grid of the T1w image and at 0.5 mm, or
    t2w_synth, t2w_synth_mni
        the same made from the T1w image.
    t2w_fine
        Whichever of the two there is at 0.5 mm.
    morph, carved_morph
        Tables of volumes of the two kinds of labels.
    fine_meta
        What was measured, for the sidecars of the images at 0.5 mm.
    facts, qc
        JSON files: of the networks' process, and of the quality in numbers.
    dseg_meta
        Provenance and warnings, for the sidecars.
    """
    whose = "a library of the user's own" if library else "the packaged library of generated cerebella"
    mirror = ",\nand each network the mirror image, too" if flip else ""
    namer = _METHODS[method].format(library=whose, voters=VOTERS, flip=mirror)
    workflow = Workflow(name)
    workflow.__desc__ = f"""
As in DeepCERES, the intracranial cavity was segmented by a 3D U-Net at 2 mm, the bias field corrected once more
inside it (inside the brain, where the image had been skull-stripped), and the means of cerebrospinal fluid, grey and
white matter brought to fixed brightness (Manjón 2008). The cerebellum was cropped in the space of the template and
brought to 0.5 mm by a residual network (scans of 0.6 mm and finer were resampled). Its T2-weighted contrast comes
from a T2w scan of the session where one was used, and otherwise from a network that works on the stride decomposition
of the T1w crop (after Manjón 2021) and a piecewise linear mapping of brightness; the sidecars say which.

The lobules of the cerebellum and its white matter were segmented in the space of the template, {namer}
(cerebbids model {model}). Small pieces of a label were given to the next most probable one. The regions are those of
DeepCERES (Morell-Ortega 2025). The labels were brought back onto the grid of the T1w image, where the volumes of
seg-Lobules were measured.

For seg-DeepCERES these compartments were brought to 0.5 mm, and there fluid, arbor vitae and peduncles were told from
cortex, as in the labels of Morell-Ortega 2025, by a rule and not by a network: every voxel was taken for a mixture of
fluid and grey or of grey and white matter, by its T1w and T2w brightness. Voxels that are mostly fluid got no label,
mostly white ones that are connected to the core became white matter, and white matter that the lobules do not surround
(10 mm) was cut off. Volumes of seg-DeepCERES were measured at 0.5 mm in the space of the T1w image.
"""
    use_gpu = device.startswith("cuda")
    inputs = ["scan", "t1w", "xfm_to_mni", "skull_stripped", "t2w", "xfm_t2w_to_t1w", "t2w_meta", "warnings"]
    images = ("icv", "superres", "superres_mni", "t2w", "t2w_mni", "t2w_synth", "t2w_synth_mni", "t2w_fine")
    labels = ("dseg", "dseg_mni", "mask", "confidence", "vermis", "probseg", "atlas_mni")
    labels += ("carved", "carved_fine", "carved_mni")
    inputnode = Node(IdentityInterface(inputs, mandatory_inputs=False), "inputnode")
    outputs = [*labels, *images, "morph", "carved_morph", "vermis_morph", "dseg_meta", "fine_meta", "facts", "qc"]
    outputnode = Node(IdentityInterface(outputs, mandatory_inputs=False), "outputnode")

    job = Predict(
        system=system,
        version=__version__,
        model_sha256=model_sha256,
        models_dir=str(models_dir or ""),
        method=method,
        flip=flip,
        save_probabilities=save_probabilities,
        library=str(library or ""),
        device=device,
        cpu_threads=omp_nthreads,
        use_gpu=use_gpu,
        t2w_required=t2w_required,
    )
    memory = gigabytes(_BASE_GB[method], 60 if save_probabilities else 32, max(voxels, t2w_voxels))
    predict = Node(job, "predict", mem_gb=memory, n_procs=1 if use_gpu else omp_nthreads)  # GPU slots, on a GPU
    measure = Node(MeasureVolumes(scheme=COMPARTMENTS), "measure", mem_gb=gigabytes(0.4, 16, voxels))
    measure_carved = Node(MeasureVolumes(scheme=CARVED), "measure_carved", mem_gb=gigabytes(0.7, 16, voxels))
    measure_vermis = Node(MeasureVolumes(scheme=VERMIS), "measure_vermis", mem_gb=gigabytes(0.4, 16, voxels))
    check = Node(CheckSegmentation(version=__version__, sloppy=sloppy), "check", mem_gb=gigabytes(0.4, 16, voxels))

    workflow.connect([
        (inputnode, predict, [("t1w", "t1w"), ("xfm_to_mni", "xfm"), ("skull_stripped", "skull_stripped")]),
        (inputnode, predict, [("t2w", "t2w"), ("xfm_t2w_to_t1w", "xfm_t2w"), ("t2w_meta", "t2w_meta")]),
        (inputnode, check, [("scan", "scan"), ("t1w", "t1w"), ("xfm_to_mni", "xfm"), ("warnings", "known")]),
        (predict, measure, [("dseg", "dseg"), ("icv", "icv")]),
        (predict, measure_carved, [("carved", "dseg"), ("carved_fine", "fine"), ("icv", "icv")]),
        (predict, measure_vermis, [("vermis", "dseg"), ("icv", "icv")]),
        (predict, check, [(key, key) for key in ("dseg", "dseg_mni", "carved", "icv", "facts")]),
        (predict, outputnode, [(key, key) for key in (*labels, *images, "facts")]),
        (predict, outputnode, [("meta", "fine_meta")]),
        (measure, outputnode, [("out_file", "morph")]),
        (measure_carved, outputnode, [("out_file", "carved_morph")]),
        (measure_vermis, outputnode, [("out_file", "vermis_morph")]),
        (check, outputnode, [("meta", "dseg_meta"), ("qc", "qc")]),
    ])  # fmt: skip
    return workflow
