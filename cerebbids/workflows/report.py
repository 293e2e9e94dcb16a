"""Figures of the report."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.names import CARVED, COMPARTMENTS
from cerebbids.bids.query import SourceImage
from cerebbids.interfaces.figures import (
    AtlasFigure,
    CarvedFigure,
    CavityFigure,
    ContrastFigure,
    DoubtFigure,
    FlatFigure,
    RegistrationFigure,
    SegmentationFigure,
    Snapshot,
    SuperresFigure,
    SurfaceFigure,
    TissuesFigure,
    VolumesFigure,
)
from cerebbids.workflows.derivatives import init_sink
from cerebbids.workflows.memory import gigabytes


def init_report_wf(*, image: SourceImage, voxels: int, output_dir: Path, name: str = "report_wf") -> Workflow:
    """Draw the figures and write them to the subject's folder.

    Parameters are those of :func:`cerebbids.workflows.derivatives.init_derivatives_wf`.

    Inputs
    ------
    t1w, dseg
        T1w image and its labels.
    superres, carved_fine
        Super-resolved T1w image and its labels, in the T1w image's world.
    carved_mni
        Those labels in template space.
    confidence
        Probability of each voxel's label on the grid of the T1w image.
    atlas_mni
        Labels that the library voted for in template space; where none was asked there is no figure of it.
    t1w_mni
        T1w image on the template's grid.
    morph
        Table of volumes.
    icv
        Mask of the intracranial cavity on the grid of the T1w image; a stripped image has none, and no figure of it.
    superres_mni, t2w_mni
        Super-resolved T1w image and T2w contrast, acquired or made, in template space.
    xfm_to_mni
        ITK affine that resamples the T1w image onto the template.
    facts
        JSON of the prediction.
    """
    workflow = Workflow(name)
    workflow.__desc__ = """
For the report, volumes of lobules were coloured on the flat map of the cerebellum (Diedrichsen and Zotow 2015) that
SUITPy carries; nothing was measured on it.
"""
    labelled = ["t1w", "dseg", "superres", "carved_fine", "carved_mni", "confidence", "atlas_mni"]
    fields = [*labelled, "t1w_mni", "morph", "icv", "superres_mni", "t2w_mni", "xfm_to_mni", "facts"]
    inputnode = Node(IdentityInterface(fields, mandatory_inputs=False), "inputnode")
    draw_dseg = Node(SegmentationFigure(), "draw_dseg", mem_gb=gigabytes(0.6, 15, voxels))
    draw_carved = Node(CarvedFigure(), "draw_carved", mem_gb=0.8)
    draw_surface = Node(SurfaceFigure(), "draw_surface", mem_gb=0.8)
    draw_confidence = Node(DoubtFigure(), "draw_confidence", mem_gb=gigabytes(0.6, 8, voxels))
    draw_atlas = Node(AtlasFigure(), "draw_atlas", mem_gb=0.8)
    draw_t1w = Node(RegistrationFigure(), "draw_t1w", mem_gb=1)
    draw_icv = Node(CavityFigure(), "draw_icv", mem_gb=gigabytes(0.5, 12, voxels))
    draw_tissues = Node(TissuesFigure(), "draw_tissues", mem_gb=0.5)
    draw_superres = Node(SuperresFigure(), "draw_superres", mem_gb=gigabytes(0.6, 10, voxels))
    draw_t2w = Node(ContrastFigure(), "draw_t2w", mem_gb=0.8)
    snap = Node(Snapshot(scheme=COMPARTMENTS), "snap", mem_gb=gigabytes(0.5, 12, voxels))
    snap_carved = Node(Snapshot(scheme=CARVED), "snap_carved", mem_gb=0.8)
    draw_morph = Node(VolumesFigure(), "draw_morph", mem_gb=0.5)
    draw_flat = Node(FlatFigure(), "draw_flat", mem_gb=0.5)
    workflow.connect([
        (inputnode, draw_dseg, [("t1w", "t1w"), ("dseg", "dseg")]),
        (inputnode, draw_carved, [("superres", "t1w"), ("carved_fine", "dseg")]),
        (inputnode, snap, [("t1w", "t1w"), ("dseg", "dseg")]),
        (inputnode, snap_carved, [("superres", "t1w"), ("carved_fine", "dseg")]),
        (inputnode, draw_surface, [("carved_mni", "dseg"), ("superres_mni", "superres_mni")]),
        (inputnode, draw_confidence, [(name, name) for name in ("superres_mni", "confidence", "xfm_to_mni")]),
        (inputnode, draw_atlas, [(name, name) for name in ("superres_mni", "atlas_mni")]),
        (inputnode, draw_t1w, [("t1w_mni", "t1w_mni")]),
        (inputnode, draw_icv, [("t1w", "t1w"), ("icv", "icv")]),
        (inputnode, draw_tissues, [("facts", "facts")]),
        (inputnode, draw_superres, [(name, name) for name in ("t1w", "xfm_to_mni", "superres_mni", "facts")]),
        (inputnode, draw_t2w, [(name, name) for name in ("t2w_mni", "superres_mni", "facts")]),
        (inputnode, draw_morph, [("morph", "morph")]),
        (inputnode, draw_flat, [("morph", "morph")]),
    ])  # fmt: skip
    of_labels = (draw_dseg, draw_carved, draw_surface, draw_confidence, draw_atlas, draw_morph, draw_flat)
    for draw in (*of_labels, draw_t1w, draw_icv, draw_tissues, draw_superres, draw_t2w):
        sink = init_sink(draw.name.replace("draw", "figure"), image, output_dir, 0.4)
        workflow.connect(draw, "out_file", sink, "in_file")
    for node, key in ((snap, "snapshot"), (snap_carved, "carved_snapshot")):
        workflow.connect(node, "out_file", init_sink(key, image, output_dir, 0.4), "in_file")
    return workflow
