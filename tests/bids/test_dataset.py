import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.dataset import _link, remove_outputs, start_dataset
from cerebbids.bids.names import DERIVATIVES, GROUP_DESCS, SCHEMES, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.data.labels import load_scheme
from cerebbids.errors import UsageError
from tests.datasets import make_dataset, validator_errors


def start(raw: Path, output_dir: Path, *schemes: str) -> dict:
    start_dataset(raw, output_dir, schemes, models={"net 1.2": "CC-BY-NC-SA-4.0"})
    return json.loads((output_dir / "dataset_description.json").read_text())


def fill(output_dir: Path, image: SourceImage) -> None:
    """Write something small under every name."""
    for key in DERIVATIVES:
        target = output_dir / derivative_path(image.path, key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.name.endswith(".nii.gz"):
            nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), target)
        else:
            target.write_text("index\tname\n1\tLeft I-II\n")
        if content := sidecar(key, image):
            extra = {"SkullStripped": False} if DERIVATIVES[key]["suffix"] in ("T1w", "T2w") else {}
            sidecar_path(target).write_text(json.dumps(content | extra))


def test_validator_finds_no_error_in_names_and_sidecars(tmp_path):
    names = ("sub-01/anat/sub-01", "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_ce-gd_rec-norm_run-01_part-mag")
    raw = make_dataset(tmp_path / "raw", *names)
    out = tmp_path / "out"
    start(raw, out, *SCHEMES)
    for name in names:
        fill(out, SourceImage(raw / f"{name}_T1w.nii.gz", name[4:6], f"{name}_T1w.nii.gz"))
    (out / "sub-01.html").write_text("")
    (out / "logs").mkdir()
    (out / "logs" / "CITATION.md").write_text("")
    (out / "sub-01" / "log" / "run").mkdir(parents=True)
    (out / "sub-01" / "log" / "run" / "cerebbids.toml").write_text("")
    assert validator_errors(out) == []


def test_link_to_raw_data_is_relative_inside_it(tmp_path):
    raw = make_dataset(tmp_path)
    out = raw / "derivatives" / "cerebbids"
    assert start(raw, out)["DatasetLinks"] == {"raw": "../.."}


@pytest.mark.parametrize(
    ("around", "container"),
    [
        ({}, None),
        ({"APPTAINER_NAME": "mine.sif"}, None),
        ({"CEREBBIDS_DOCKER_TAG": "1.2"}, {"Type": "docker", "Tag": "1.2"}),
        ({"CEREBBIDS_DOCKER_TAG": "1.2", "APPTAINER_NAME": "a.sif"}, {"Type": "singularity", "Tag": "1.2"}),
        ({"CEREBBIDS_DOCKER_TAG": "1.2", "SINGULARITY_NAME": "a.sif"}, {"Type": "singularity", "Tag": "1.2"}),
    ],
)
def test_description_tells_the_image_that_it_ran_in(around, container, tmp_path, monkeypatch):
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    (made,) = start(make_dataset(tmp_path / "raw"), tmp_path / "out")["GeneratedBy"]
    assert made.get("Container") == container


def test_description_tells_nothing_of_this_machine(tmp_path):
    raw = make_dataset(tmp_path / "raw")
    assert start(raw, tmp_path / "out")["DatasetLinks"] == {"raw": "../raw"}
    assert str(tmp_path) not in (tmp_path / "out" / "dataset_description.json").read_text()


def test_raw_data_that_share_no_folder_with_the_output_are_linked_too():
    assert _link(Path("/my data"), Path("/out")) == "file:///my%20data"


def test_labels_have_the_licence_of_the_weights_not_that_of_the_source(tmp_path):
    raw = make_dataset(tmp_path / "raw")
    (raw / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0", "License": "CC0"}')
    licence = start(raw, tmp_path / "out")["License"]
    assert "CC-BY-NC-SA-4.0" in licence and "CC0" not in licence
    assert "- net 1.2: CC-BY-NC-SA-4.0\n" in (tmp_path / "out" / "README.md").read_text()


def test_licences_of_all_models_whose_labels_are_there_are_told(tmp_path):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "out"
    start(raw, out)
    for name, made in {
        "sub-01/anat/sub-01": {"model": "old 0.1", "weights_licence": "CC0"},
        "sub-02/ses-a/anat/sub-02_ses-a": {"model": "own"},
        "sub-03/anat/sub-03": "damaged",
    }.items():
        labels = out / derivative_path(f"{name}_T1w.nii.gz", "dseg")
        labels.parent.mkdir(parents=True)
        labels.touch()
        sidecar_path(labels).write_text(json.dumps({"CerebBIDS": made}))
    assert "volumes: CC-BY-NC-SA-4.0, CC0, unknown, as the network" in start(raw, out)["License"]
    listed = "- net 1.2: CC-BY-NC-SA-4.0\n- old 0.1: CC0\n- own: unknown\n"
    assert listed in (out / "README.md").read_text()


@pytest.mark.parametrize("written", ["10.1/x", "doi:10.1/x", "https://doi.org/10.1/x", "http://dx.doi.org/10.1/x"])
def test_source_is_named_by_its_doi_however_it_is_written(tmp_path, written):
    raw = make_dataset(tmp_path / "raw")
    content = {"Name": "x", "BIDSVersion": "1.10.0", "DatasetDOI": written}
    (raw / "dataset_description.json").write_text(json.dumps(content))
    assert start(raw, tmp_path / "out")["SourceDatasets"] == [{"DOI": "doi:10.1/x"}]


def test_description_of_the_source_that_is_no_object_is_named(tmp_path):
    raw = make_dataset(tmp_path / "raw")
    (raw / "dataset_description.json").write_text('["Name", "BIDSVersion"]')
    with pytest.raises(UsageError, match="dataset_description.json: is not a JSON object"):
        start(raw, tmp_path / "out")


def test_what_is_older_goes_with_its_sidecars_and_nothing_else(tmp_path):
    images = [SourceImage(tmp_path / f"{name}_T1w.nii.gz", "01", f"{name}_T1w.nii.gz") for name in (
        "sub-01/anat/sub-01_run-1", "sub-01/anat/sub-01_run-2",
    )]  # fmt: skip
    for image in images:
        fill(tmp_path, image)
    remove_outputs(tmp_path, images[0].path, keep={"t1w"})
    left = {path.name for path in tmp_path.rglob("*_run-1_*")}
    assert left == {"sub-01_run-1_desc-preproc_T1w.nii.gz", "sub-01_run-1_desc-preproc_T1w.json"}
    assert all((tmp_path / derivative_path(images[1].path, key)).exists() for key in DERIVATIVES)


def test_output_of_another_program_is_left_alone(tmp_path):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "out"
    out.mkdir()
    theirs = '{"GeneratedBy": [{"Name": "fMRIPrep"}]}'
    (out / "dataset_description.json").write_text(theirs)
    with pytest.raises(UsageError, match="fMRIPrep"):
        start(raw, out)
    assert (out / "dataset_description.json").read_text() == theirs


@pytest.mark.parametrize("link", ["relative", "file"])
def test_people_of_another_dataset_are_not_mixed_in(tmp_path, link, monkeypatch):
    if link == "file":
        monkeypatch.setattr("os.path.commonpath", lambda paths: "/")
    raw, other, out = make_dataset(tmp_path / "raw %201"), make_dataset(tmp_path / "raw 2"), tmp_path / "out"
    before = start(raw, out)
    assert before["DatasetLinks"]["raw"].startswith("file:") == (link == "file")
    with pytest.raises(UsageError, match="out: holds results of another dataset .*raw %201"):
        start(other, out)
    assert json.loads((out / "dataset_description.json").read_text()) == before
    alias = tmp_path / "alias"
    alias.symlink_to(raw)
    assert start(alias, out) == before


def test_dataset_that_has_moved_goes_on_and_tells_its_doi_of_today(tmp_path):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "out"
    content = {"Name": "x", "BIDSVersion": "1.10.0", "DatasetDOI": "10.1/x"}
    (raw / "dataset_description.json").write_text(json.dumps(content))
    start(raw, out)
    moved = make_dataset(raw.rename(tmp_path / "moved"))
    description = start(moved, out)
    assert description["DatasetLinks"] == {"raw": "../moved"} and "SourceDatasets" not in description


def test_output_that_has_moved_goes_on(tmp_path):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "raw" / "derivatives" / "out"
    start(raw, out)
    (tmp_path / "elsewhere" / "a").mkdir(parents=True)
    moved = out.rename(tmp_path / "elsewhere" / "a" / "out")
    assert start(raw, moved)["DatasetLinks"] == {"raw": "../../../raw"}


@pytest.mark.parametrize("name", ["README.md", ".bidsignore", "descriptions.tsv", "thesis.doc"])
def test_folder_with_files_of_the_user_is_left_alone(tmp_path, name):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(UsageError, match=f"is not empty .it holds {name}.*; choose an empty folder"):
        start(raw, out)
    assert [path.name for path in out.iterdir()] == [name] and (out / name).read_text() == "mine"


def test_logs_and_hidden_files_do_not_make_a_folder_used(tmp_path):
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (tmp_path / "out" / ".gitattributes").touch()
    assert start(make_dataset(tmp_path / "raw"), tmp_path / "out")


def test_second_run_keeps_what_the_user_wrote_in_the_description(tmp_path):
    raw, out = make_dataset(tmp_path / "raw"), tmp_path / "out"
    description = start(raw, out)
    (out / "dataset_description.json").write_text(json.dumps(description | {"Authors": ["N. N."], "License": "x"}))
    assert start(raw, out) == description | {"Authors": ["N. N."]}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colour_tables_agree_with_the_label_table(tmp_path, scheme):
    start(make_dataset(tmp_path / "raw"), tmp_path / "out", *SCHEMES)
    labels = load_scheme(scheme).labels
    expected = [(label.index, tuple(bytes.fromhex(label.color[1:]))) for label in labels]
    freesurfer = (tmp_path / "out" / f"seg-{scheme}_FreeSurferColorLUT.txt").read_text().splitlines()[2:]
    snap = (tmp_path / "out" / f"seg-{scheme}_ITKSNAP.txt").read_text().splitlines()[1:]
    rows = [line.split() for line in freesurfer]
    assert [(int(row[0]), tuple(map(int, row[2:5]))) for row in rows] == expected
    rows = [line.split() for line in snap]
    assert [(int(row[0]), tuple(map(int, row[1:4]))) for row in rows] == expected


def test_every_desc_is_described(tmp_path):
    start(make_dataset(tmp_path / "raw"), tmp_path / "out")
    told = (tmp_path / "out" / "descriptions.tsv").read_text().splitlines()
    files = [entities for entities in DERIVATIVES.values() if entities.get("datatype") != "figures"]
    descs = {entities["desc"] for entities in files if "desc" in entities} | {*GROUP_DESCS}
    assert {line.split("\t")[0] for line in told[1:]} == {f"desc-{desc}" for desc in descs}
