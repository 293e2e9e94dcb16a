"""Figures of the report."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.query import SourceImage
from cerebbids.interfaces.figures import RegistrationFigure, SegmentationFigure, VolumesFigure
from cerebbids.workflows.derivatives import init_sink
from cerebbids.workflows.memory import gigabytes


def init_report_wf(*, image: SourceImage, voxels: int, output_dir: Path, name: str = "report_wf") -> Workflow:
    """Draw the figures and write them to the subject's folder.

    Parameters are those of :func:`cerebbids.workflows.derivatives.init_derivatives_wf`.

    Inputs
    ------
    t1w, dseg
        T1w image and its labels.
    t1w_mni
        T1w image on the template's grid.
    morph
        Table of volumes.
    """
    workflow = Workflow(name)
    inputnode = Node(IdentityInterface(["t1w", "dseg", "t1w_mni", "morph"]), "inputnode")
    draw_dseg = Node(SegmentationFigure(), "draw_dseg", mem_gb=gigabytes(0.6, 15, voxels))
    draw_t1w = Node(RegistrationFigure(), "draw_t1w", mem_gb=1)
    draw_morph = Node(VolumesFigure(), "draw_morph", mem_gb=0.5)
    workflow.connect([
        (inputnode, draw_dseg, [("t1w", "t1w"), ("dseg", "dseg")]),
        (inputnode, draw_t1w, [("t1w_mni", "t1w_mni")]),
        (inputnode, draw_morph, [("morph", "morph")]),
    ])  # fmt: skip
    for key, draw in (("figure_dseg", draw_dseg), ("figure_t1w", draw_t1w), ("figure_morph", draw_morph)):
        workflow.connect(draw, "out_file", init_sink(key, image, output_dir, 0.4), "in_file")
    return workflow
