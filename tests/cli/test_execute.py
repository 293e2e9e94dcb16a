import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nipype.interfaces.utility import Function
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.query import SourceImage
from cerebbids.cli.execute import Outcome, execute, name_source
from cerebbids.cli.pluginfile import PluginChoice
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, Interrupted, RegistrationFailed, Unfinished
from cerebbids.interfaces.images import Conform
from cerebbids.interfaces.plugin import GuardedMultiProc
from tests.imaging.phantoms import blobs


def work(task: str, begun: str) -> str:
    import os
    import time

    if task == "rest":
        open(begun, "w").close()
        time.sleep(3600)
    while task == "fail" and not os.path.exists(begun):
        time.sleep(0.1)
    if task == "fail":
        raise ValueError("no such thing")
    return task


def run(folder: Path, **tasks: str):
    """Run one node an image, named ``ds_dseg`` and doing what is said, in the order of the images."""
    (folder / "work").mkdir()
    config = RunConfig(folder / "raw", folder / "out", folder / "work", nprocs=3)
    workflow = Workflow("wf", base_dir=str(config.work_dir))
    execution = {"crashdump_dir": str(folder), "poll_sleep_duration": "0.1", "stop_on_first_crash": "false"}
    workflow.config["execution"] |= execution
    images = []
    for label, task in tasks.items():
        name = f"sub-{label}/anat/sub-{label}_T1w.nii"
        images.append(SourceImage(config.bids_dir / name, label, name))
        node = Node(Function(["task", "begun"], ["out"], work), "ds_dseg")
        node.inputs.task, node.inputs.begun = task, str(folder / "begun")
        part = Workflow("part_wf")
        part.add_nodes([node])
        image_wf = Workflow(f"sub_{label}_wf")
        image_wf.add_nodes([part])
        workflow.add_nodes([image_wf])
    return execute(workflow, config, images, PluginChoice(), lambda *_, **__: None)


def test_image_is_done_when_its_nodes_have_ended_in_this_run(tmp_path):
    (tmp_path / "begun").touch()
    outcome = run(tmp_path, good="pass", bad="fail")
    assert list(outcome.failures) == ["sub-bad"]
    assert str(outcome.failures["sub-bad"]).startswith("sub-bad/anat/sub-bad_T1w.nii: ValueError: no such thing; ")
    assert outcome.written == {"sub-bad": frozenset()}


@pytest.mark.parametrize(
    ("end", "kind"), [(RuntimeError("nipype broke"), Unfinished), (KeyboardInterrupt(), Interrupted)]
)
def test_image_that_the_run_did_not_come_to_is_not_done(tmp_path, monkeypatch, end, kind):
    def give_up(*_):
        raise end

    # After the first failed node, whatever else is going on.
    monkeypatch.setattr(GuardedMultiProc, "_remove_node_deps", give_up)
    outcome = run(tmp_path, rest="rest", bad="fail")
    assert type(outcome.failures["sub-rest"]) is kind
    assert not isinstance(outcome.failures["sub-bad"], Unfinished)


def conform_twice(folder: Path) -> Outcome:
    """Conform an image, and conform the result."""
    config = RunConfig(folder / "raw", folder / "out", folder / "work", nprocs=1)
    image = SourceImage(config.bids_dir / "sub-1_T1w.nii", "1", "sub-1_T1w.nii")
    workflow = Workflow("wf", base_dir=str(config.work_dir))
    workflow.config["execution"] |= {"crashdump_dir": str(folder), "poll_sleep_duration": "0.1"}
    first = Node(Conform(version="1", in_file=str(image.path)), "first")
    image_wf, second = Workflow("sub_1_wf"), Node(Conform(version="1"), "second")
    image_wf.connect(first, "out_file", second, "in_file")
    workflow.add_nodes([image_wf])
    return execute(workflow, config, [image], PluginChoice(), lambda *_, **__: None)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 1000), lambda path: None])
def test_intermediate_file_is_made_again_only_when_it_is_missing_or_cut(tmp_path, damage):
    (tmp_path / "raw").mkdir()
    (tmp_path / "work").mkdir()
    nib.save(blobs((32, 32, 32), np.diag([3.0, 3, 3, 1])), tmp_path / "raw" / "sub-1_T1w.nii")
    assert conform_twice(tmp_path).failures == {}
    made, last = (tmp_path / "work" / "wf" / "sub_1_wf" / name / "conform.nii" for name in ("first", "second"))
    before = made.stat()
    damage(made)
    shutil.rmtree(last.parent)
    whole = made.exists() and made.stat().st_size == before.st_size
    assert conform_twice(tmp_path).failures == {}
    assert made.stat().st_size == last.stat().st_size == before.st_size
    assert (made.stat().st_mtime_ns == before.st_mtime_ns) is whole


IMAGE = SourceImage(Path("/data/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("/data/sub-1/anat/sub-1_T1w.nii", "is odd"),
        ("/work/sub_1_wf/correctbias.nii", "is odd"),
        ("correctbias.nii", "is odd"),
        ("cerebbids", "is odd"),
        ("/models/model.toml", "/models/model.toml is odd"),
        ("--device cuda", "--device cuda is odd"),
    ],
)
def test_what_is_at_fault_is_named_with_the_image(subject, reason):
    named = name_source(RegistrationFailed(subject, "is odd", "look"), IMAGE, Path("/work"))
    assert (named.subject, named.reason, named.mend) == (IMAGE.relative, reason, "look")
    assert type(named) is RegistrationFailed


def test_damaged_intermediate_file_is_not_held_against_the_image(tmp_path):
    told = name_source(BadImage("/work/sub_1_wf/conform.nii", "is truncated", "copy it again"), IMAGE, Path("/work"))
    assert "/work/sub_1_wf/conform.nii, made on the way, is truncated; run again with a new" in str(told)
    assert not isinstance(told, BadImage)
    own = name_source(BadImage(str(IMAGE.path), "is truncated", "copy it again"), IMAGE, Path("/data"))
    assert type(own) is BadImage and own.reason == "is truncated"
