"""Hand a workflow to nipype, and learn which images failed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.query import SourceImage
from cerebbids.cli.environment import usable_memory_gb
from cerebbids.cli.progress import RunProgress
from cerebbids.config import RunConfig
from cerebbids.errors import CerebbidsError
from cerebbids.interfaces.plugin import GuardedMultiProc
from cerebbids.workflows.base import image_wf_name

_LEVELS = (
    logging.CRITICAL,
    logging.INFO,
    logging.DEBUG,
)  # nipype's errors are tracebacks; crash files keep them


def execute(workflow: Workflow, config: RunConfig, images: Sequence[SourceImage]) -> dict[str, CerebbidsError]:
    """Run the images' workflows to their ends.

    Parameters
    ----------
    workflow : Workflow
        What :func:`cerebbids.workflows.base.init_cerebbids_wf` made.
    config : RunConfig
        Choices of the run.
    images : sequence of SourceImage
        Images in the workflow.

    Returns
    -------
    dict of str to CerebbidsError
        The first reason of every image that failed, by its stem.
    """
    for name in ("nipype.workflow", "nipype.interface", "nipype.utils"):
        logging.getLogger(name).setLevel(_LEVELS[min(config.verbosity, 2)])
    stems = {image_wf_name(image): image.stem for image in images}
    names = workflow.list_node_names()
    # Nipype takes the nodes that only pass fields on out of the graph.
    steps = Counter(name.split(".")[0] for name in names if not name.endswith(("inputnode", "outputnode")))
    with RunProgress(steps, stems) as progress:
        plugin = GuardedMultiProc({
            "n_procs": config.nprocs,
            "memory_gb": config.mem_gb or usable_memory_gb(),
            "n_gpu_procs": 1,
            "raise_insufficient": False,
            "status_callback": progress,
        })  # fmt: skip
        try:
            workflow.run(plugin=plugin)
        except Exception:  # nipype raises, in various ways, when nodes failed; the plugin knows which
            if not plugin.failures:
                raise
    failures: dict[str, CerebbidsError] = {}
    for node, error in plugin.failures.items():
        failures.setdefault(stems[node.split(".")[1]], error)
    return failures
