import os
import re
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.bids.names import REPORTS, YIELDS
from cerebbids.bids.query import SourceImage
from cerebbids.config import RunConfig
from cerebbids.systems.published import SYSTEMS
from cerebbids.workflows import base
from cerebbids.workflows.base import init_cerebbids_wf
from tests.datasets import make_dataset

NAMES = ("sub-01/ses-a/anat/sub-01_ses-a_run-1", "sub-01/ses-a/anat/sub-01_ses-a_run-2", "sub-02/anat/sub-02")


@pytest.fixture
def build(tmp_path: Path):
    raw = make_dataset(tmp_path / "raw", *NAMES)
    (tmp_path / "out").mkdir()
    config = RunConfig(raw, tmp_path / "out", tmp_path / "work", nprocs=4, omp_nthreads=3)
    images = [SourceImage(raw / f"{name}_T1w.nii.gz", name[4:6], f"{name}_T1w.nii.gz") for name in NAMES]
    t2w = images[0].path.with_name("sub-01_ses-a_acq-a_T2w.nii.gz")
    t2w.touch()
    images[0] = replace(images[0], t2w=t2w, t2w_choice=2)

    def make(device: str = "cpu", change: dict | None = None, **more) -> Workflow:
        changed = [*images[:-1], replace(images[-1], **(change or {}))]
        known = {"models": {"deepceres": ("net 1.2", "abc")}, "device": device, "run_id": "now", **more}
        return init_cerebbids_wf(config=config, images=changed, **known)

    return make


@pytest.fixture
def of_one(tmp_path: Path):
    """Workflow of one image and a system."""
    raw = make_dataset(tmp_path / "raw", NAMES[2])
    (tmp_path / "out").mkdir()
    config = RunConfig(raw, tmp_path / "out", tmp_path / "work")
    path = raw / f"{NAMES[2]}_T1w.nii.gz"
    t2w = path.with_name("sub-02_T2w.nii.gz")
    t2w.touch()

    def make(system: str) -> Workflow:
        image = SourceImage(path, "02", f"{NAMES[2]}_T1w.nii.gz", t2w=t2w, system=system, months=8.0)
        models = {system: ("net 1.2", "abc")}
        return init_cerebbids_wf(config=config, images=[image], models=models, device="cpu", run_id="now")

    return make


def test_every_derivative_of_every_image_has_its_sink(build):
    names = build().list_node_names()
    for image in ("sub_01_ses_a_run_1_wf", "sub_01_ses_a_run_2_wf", "sub_02_wf"):
        sinks = {name.rpartition("ds_")[2] for name in names if name.startswith(f"{image}.") and ".ds_" in name}
        assert sinks == YIELDS["deepceres"] - set(REPORTS)


def test_an_infant_s_image_has_its_own_workflow_and_sinks(build):
    models = {"deepceres": ("net 1.2", "abc"), "infant": ("young 3", "def")}
    workflow = build(models=models, change={"system": "infant", "months": 8.0})
    names = [name for name in workflow.list_node_names() if name.startswith("sub_02_wf.")]
    assert {name.rpartition("ds_")[2] for name in names if ".ds_" in name} == YIELDS["infant"]
    label = workflow.get_node("sub_02_wf.label").inputs
    assert (label.months, label.model_sha256) == (8.0, "def")
    predict = workflow.get_node("sub_01_ses_a_run_2_wf.segment_wf.predict").inputs
    assert (predict.system, predict.model_sha256) == ("deepceres", "abc")
    assert "infants" in workflow.visit_desc() and "infants" not in build().visit_desc().split("###")[0]


def test_no_image_waits_for_another(build):
    graph = build()._graph
    assert len(graph.nodes) == 3 and len(graph.edges) == 0


def test_network_takes_the_cpus_of_a_process_or_one_gpu_slot(build):
    on_cpu = build().get_node("sub_02_wf.segment_wf.predict")
    on_gpu = build(device="cuda:1").get_node("sub_02_wf.segment_wf.predict")
    assert (on_cpu.n_procs, on_cpu.is_gpu_node()) == (3, False)
    assert (on_gpu.n_procs, on_gpu.is_gpu_node()) == (1, True)
    assert on_gpu.inputs.model_sha256 == "abc" and on_gpu.inputs.cpu_threads == 3
    assert (on_cpu.inputs.device, on_gpu.inputs.device) == ("cpu", "cuda:1")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_on_a_cluster_steps_ask_for_their_share_and_files_are_copied_here(build, device):
    workflow = build(device=device, plugin="SLURM")
    predict = workflow.get_node("sub_02_wf.segment_wf.predict")
    asked = predict.plugin_args["sbatch_args"].split()
    assert asked[0] == "--cpus-per-task=3" and ("--gres=gpu:1" in asked) is (device == "cuda")
    assert predict.inputs.device == device
    sink = workflow.get_node("sub_02_wf.derivatives_wf.ds_t1w")
    assert (
        sink.run_without_submitting and not build().get_node("sub_02_wf.derivatives_wf.ds_t1w").run_without_submitting
    )


def test_memory_grows_with_the_image_s_voxels(build, monkeypatch):
    steps = ("preprocess_wf.conform", "preprocess_wf.register", "segment_wf.predict", "derivatives_wf.ds_t1w")

    def memory(voxels: int) -> list[float]:
        monkeypatch.setattr(base, "count_voxels", lambda _: voxels)
        workflow = build()
        return [workflow.get_node(f"sub_02_wf.{step}").mem_gb for step in steps]

    small, large = memory(10_000_000), memory(100_000_000)
    assert all(b > a + 0.3 for a, b in zip(small, large, strict=True))
    assert small[2] < 6 and max(small[:2] + small[3:]) < 2  # gigabytes: the networks take the most


def test_warnings_about_the_file_reach_the_labels_sidecar(build):
    graph = build().get_node("sub_02_wf")._create_flat_graph()
    edges = {(a.name, b.name): data["connect"] for a, b, data in graph.edges(data=True)}
    assert ("warnings", "in1") in edges["conform", "merge"] and ("warnings", "in2") in edges["register", "merge"]
    assert ("out", "warnings") in edges["merge", "outputnode"]
    assert ("warnings", "known") in edges["inputnode", "check"]


def test_warnings_about_the_choice_of_the_t2w_image_reach_them_too(build):
    def first(image_wf: str) -> list[str]:
        return build().get_node(f"{image_wf}.warnings").inputs.in1

    assert first("sub_02_wf") == []
    assert "the first, sub-01_ses-a_acq-a_T2w.nii.gz, was chosen" in first("sub_01_ses_a_run_1_wf")[0]


def test_warnings_about_the_age_reach_them_too(build):
    workflow = build(change={"remarks": ("The age is not known.",)})
    assert workflow.get_node("sub_02_wf.warnings").inputs.in1 == ["The age is not known."]


def test_voxels_are_counted_in_the_header(build):
    assert build().get_node("sub_02_wf.preprocess_wf.conform").mem_gb == pytest.approx(0.3, abs=0.01)


def test_crash_files_go_to_the_log_of_the_subject(build, tmp_path):
    node = build().get_node("sub_02_wf.preprocess_wf.denoise")
    assert node.config["execution"]["crashdump_dir"] == str(tmp_path / "out" / "sub-02" / "log" / "now")


def test_another_dataset_s_image_of_the_same_name_size_and_time_is_another_image(build, tmp_path):
    written = []
    for seed in (0, 1, 1):
        path = tmp_path / str(len(written)) / "sub-02_T1w.nii"
        path.parent.mkdir()
        noise = np.random.default_rng(seed).random((30, 30, 30), np.float32)
        nib.save(nib.Nifti1Image(noise, np.diag([3.0, 3, 3, 1])), path)
        os.utime(path, (0, 0))
        node = build().get_node("sub_02_wf.preprocess_wf.conform")
        node.base_dir, node.inputs.in_file = str(tmp_path / "work"), str(path)
        result = Path(node.run().outputs.out_file)
        written.append((result, result.stat().st_mtime_ns, nib.load(result).get_fdata()))
    (first, _, before), (second, made, after), (_, again, _) = written
    assert first == second and not np.allclose(before, after)
    assert made == again


def test_methods_are_told_once_and_in_order(build):
    """Of images with and without a T2w image."""
    text = build().visit_desc()
    places = [text.index(word) for word in ("Nipype", "denoised", "N4", "registered", "lobules", "References")]
    assert places == sorted(places)
    assert text.count("was denoised") == 1


def test_methods_tell_what_the_cascade_starts_from_and_what_its_answer_is_averaged_with(build):
    text = " ".join(build().visit_desc().split())
    vote = "the vote of the most similar cerebella of the packaged library of generated cerebella, at most 20"
    assert f"the mean of an atlas of the subject ({vote}) and of the answer of a 3D U-Net at 1 mm. The labels" in text
    assert "the mean of that answer and the cascade's (cerebbids" in text


@pytest.mark.parametrize("system", SYSTEMS)
def test_papers_that_the_methods_name_are_listed_and_no_others(of_one, system):
    methods, _, listed = of_one(system).visit_desc().partition("### References")
    named = set(re.findall(r"(\w[\w-]+) ((?:19|20)\d\d)\b", methods.replace("Diedrichsen and Zotow", "Diedrichsen")))
    papers = [" ".join(paper.split()) for paper in listed.split("\n- ")[1:]]
    found = {(paper.split()[0], re.findall(r"[ :](20\d\d|19\d\d)[.:]", paper)[0]) for paper in papers}
    assert named == found


def test_methods_name_the_model_and_cite_its_system_once(build):
    text = build().visit_desc()
    assert "cerebbids model net 1.2" in text
    assert text.count("Morell-Ortega S et al.") == text.count("NeuroImage 308:121063, 2025") == 1
    assert "Morell-Ortega 2024" not in text


def test_noise_is_measured_on_the_scan_before_it_was_denoised(build):
    image = build().get_node("sub_02_wf")
    outer = {(a.name, b.name): data["connect"] for a, b, data in image._graph.edges(data=True)}
    assert ("outputnode.scan", "inputnode.scan") in outer["preprocess_wf", "segment_wf"]
    parts = {name: image.get_node(name)._graph.edges(data=True) for name in ("preprocess_wf", "segment_wf")}
    inner = {(a.name, b.name): data["connect"] for edges in parts.values() for a, b, data in edges}
    assert ("out_file", "scan") in inner["conform", "outputnode"] and ("scan", "scan") in inner["inputnode", "check"]
