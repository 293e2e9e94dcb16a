"""The whole of it: one workflow for every T1w image, none of which waits for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nipype.interfaces.utility import Merge
from nipype.pipeline.engine import Node
from nipype.pipeline.engine.utils import merge_dict
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids import __version__
from cerebbids.bids.query import SourceImage
from cerebbids.config import RunConfig
from cerebbids.imaging.reading import count_voxels
from cerebbids.interfaces.scheduler import ask_slurm
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.workflows.brain import init_brain_wf
from cerebbids.workflows.derivatives import init_derivatives_wf
from cerebbids.workflows.infant import init_infant_wf
from cerebbids.workflows.preprocess import init_preprocess_wf
from cerebbids.workflows.references import references
from cerebbids.workflows.report import init_report_wf
from cerebbids.workflows.segment import init_segment_wf
from cerebbids.workflows.t2w import init_t2w_wf

_EXECUTION = {
    "crashfile_format": "txt",
    "job_finished_timeout": "15",
    "use_relative_paths": "true",  # a work folder may be moved
}


def init_cerebbids_wf(
    *,
    config: RunConfig,
    images: Sequence[SourceImage],
    models: Mapping[str, tuple[str, str]],
    device: str,
    run_id: str,
    plugin: str = "MultiProc",
    name: str = "cerebbids_wf",
) -> Workflow:
    """Put the images' workflows side by side.

    Parameters
    ----------
    config : RunConfig
        Choices of the run.
    images : sequence of SourceImage
        T1w images, each a unit of its own.
    models : mapping
        Title and hash of the model bundle of every system that images have.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``, and ``auto`` on a cluster.
    run_id : str
        Name of the run, for the folders of its crash files.
    plugin : str
        Nipype's plugin that will run the nodes.
    """
    workflow = Workflow(name, base_dir=str(config.work_dir))
    workflow.__desc__ = f"Made with cerebbids {__version__}, which is built on Nipype (Gorgolewski 2011).\n"
    workflow.__postdesc__ = references({image.system for image in images})
    workflow.config["execution"] |= _EXECUTION | {
        "stop_on_first_crash": str(config.stop_on_first_crash).lower(),
        # Of a scheduler, every look asks about every job.
        "poll_sleep_duration": "0.2" if plugin == "MultiProc" else "3",
    }
    for image in images:
        image_wf = init_image_wf(config=config, image=image, models=models, device=device)
        _set_crash_folder(image_wf, str(config.output_dir / f"sub-{image.subject}" / "log" / run_id))
        if plugin != "MultiProc":
            _prepare_jobs(image_wf, plugin, config.omp_nthreads)
        workflow.add_nodes([image_wf])
    return workflow


def init_image_wf(
    *, config: RunConfig, image: SourceImage, models: Mapping[str, tuple[str, str]], device: str
) -> Workflow:
    """Process one T1w image: preprocess, segment, draw, write.

    Parameters are those of :func:`init_cerebbids_wf`.
    """
    model, model_sha256 = models[image.system]
    if image.system != DEEPCERES.name:
        init = init_infant_wf if image.system == INFANT.name else init_brain_wf
        return init(
            image=image, model=model, model_sha256=model_sha256, models_dir=config.models_dir,
            output_dir=config.output_dir, device=device, omp_nthreads=config.omp_nthreads,
        )  # fmt: skip
    workflow = Workflow(image.workflow)
    voxels = count_voxels(image.path)
    preprocess_wf = init_preprocess_wf(voxels=voxels, omp_nthreads=config.omp_nthreads, sloppy=config.sloppy)
    preprocess_wf.inputs.inputnode.t1w = str(image.path)
    t2w_voxels = count_voxels(image.t2w) if image.t2w else 0
    t2w_wf = init_t2w_wf(
        t2w=image.t2w, mode=config.t2w, voxels=t2w_voxels,
        omp_nthreads=config.omp_nthreads,
    )  # fmt: skip
    segment_wf = init_segment_wf(
        voxels=voxels,
        system=image.system,
        model=model,
        model_sha256=model_sha256,
        models_dir=config.models_dir,
        method=config.method,
        flip=config.flip,
        save_probabilities=config.save_probabilities,
        library=config.library,
        device=device,
        omp_nthreads=config.omp_nthreads,
        t2w_required=config.t2w == "real",
        t2w_voxels=t2w_voxels,
        sloppy=config.sloppy,
    )
    warnings = Node(Merge(3), "warnings", run_without_submitting=True)
    warnings.inputs.in1 = list(image.warnings)
    report_wf = init_report_wf(image=image, voxels=voxels, output_dir=config.output_dir)
    derivatives_wf = init_derivatives_wf(image=image, voxels=voxels, output_dir=config.output_dir)

    preprocessed = ("t1w", "t1w_mni", "xfm_to_mni", "xfm_to_t1w", "t1w_meta", "xfm_meta")
    labelled = ("dseg", "dseg_mni", "mask", "confidence", "probseg", "atlas_mni", "morph", "qc", "dseg_meta")
    told_apart = ("vermis", "vermis_morph")
    carved = ("carved", "carved_fine", "carved_mni", "carved_morph")
    fine = ("icv", "superres", "superres_mni", "t2w", "t2w_mni", "t2w_synth", "t2w_synth_mni", "fine_meta")
    workflow.connect([
        (preprocess_wf, t2w_wf, _same("t1w", "xfm_to_mni")),
        (preprocess_wf, segment_wf, _same("scan", "t1w", "xfm_to_mni", "skull_stripped")),
        (t2w_wf, segment_wf, _same("t2w", "xfm_t2w_to_t1w", "t2w_meta")),
        (preprocess_wf, warnings, [("outputnode.warnings", "in2")]),
        (t2w_wf, warnings, [("outputnode.warnings", "in3")]),
        (warnings, segment_wf, [("out", "inputnode.warnings")]),
        (preprocess_wf, report_wf, _same("t1w", "t1w_mni", "xfm_to_mni")),
        (segment_wf, report_wf, _same("dseg", "carved_fine", "carved_mni", "confidence", "atlas_mni", "morph")),
        (segment_wf, report_wf, _same("icv", "superres", "superres_mni", "facts")),
        (segment_wf, report_wf, [("outputnode.t2w_fine", "inputnode.t2w_mni")]),
        (preprocess_wf, derivatives_wf, _same(*preprocessed)),
        (segment_wf, derivatives_wf, _same(*labelled, *told_apart, *carved, *fine)),
    ])  # fmt: skip
    return workflow


def _same(*fields: str) -> list[tuple[str, str]]:
    return [(f"outputnode.{field}", f"inputnode.{field}") for field in fields]


def _prepare_jobs(workflow: Workflow, plugin: str, threads: int) -> None:
    """Let what only copies files run here, not as jobs; have SLURM give the others what they need."""
    for node in workflow._get_all_nodes():
        if node.name.startswith("ds_"):
            node.run_without_submitting = True
        elif plugin == "SLURM":
            ask_slurm(node, getattr(node.inputs, "use_gpu", False), threads)


def _set_crash_folder(workflow: Workflow, folder: str) -> None:
    for node in workflow._get_all_nodes():
        node.config = merge_dict({"execution": {"crashdump_dir": folder}}, node.config)
