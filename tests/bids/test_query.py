import json
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.query import select_images
from cerebbids.config import RunConfig
from cerebbids.errors import UsageError
from tests.datasets import make_dataset

NAMES = (
    "sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_run-01",
    "sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_run-02",
    "sub-01/ses-b/anat/sub-01_ses-b",
    "sub-02/anat/sub-02",
    "sub-02/anat/sub-02_part-phase",
    "derivatives/other/sub-02/anat/sub-02_desc-x",
)


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    dataset = make_dataset(tmp_path / "data", *NAMES)
    (dataset / "sub-03" / "func").mkdir(parents=True)
    (dataset / "sub-03" / "func" / "sub-03_task-rest_bold.nii.gz").touch()
    return RunConfig(dataset, tmp_path / "out", tmp_path / "work")


def stems(config: RunConfig) -> list[str]:
    return [image.stem for image in select_images(config).images]


def filtered(config: RunConfig, content: object) -> RunConfig:
    path = config.bids_dir.parent / "filter.json"
    path.write_text(json.dumps(content))
    return replace(config, bids_filter_file=path)


def test_every_magnitude_t1w_of_the_raw_data_is_taken(config):
    assert stems(config) == [
        "sub-01_ses-a_acq-mprage_run-01",
        "sub-01_ses-a_acq-mprage_run-02",
        "sub-01_ses-b",
        "sub-02",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "out/sub-01/anat/sub-01",
        "fmriprep/sub-02/anat/sub-02_run-1",
        "sub-02/anat/old/sub-02_run-1",
        "sub-02/extra/sub-02/anat/sub-02_run-1",
        "sub-02/anat/sub-02_desc-preproc",
        "sub-02/anat/sub-02_space-MNI152NLin2009aSym_res-1",
    ],
)
def test_image_that_was_made_from_others_is_not_taken_wherever_it_lies(config, name):
    before = stems(config)
    make_dataset(config.bids_dir, name)
    assert stems(config) == before
    assert select_images(config).refused == ()


def test_participant_without_t1w_is_reported(config):
    (error,) = select_images(config).missing
    assert error.subject == "sub-03" and "no T1w" in str(error)


def test_participant_without_t1w_is_no_matter_when_sessions_narrow_the_choice(config):
    selection = select_images(replace(config, session_labels=("b",)))
    assert [image.stem for image in selection.images] == ["sub-01_ses-b"]
    assert selection.missing == ()


def test_participant_that_was_asked_for_is_reported_even_then(config):
    asked = replace(config, participant_labels=("01", "02"), session_labels=("b",))
    assert [error.subject for error in select_images(asked).missing] == ["sub-02"]


def test_filters_take_values_null_and_star(config):
    assert stems(filtered(config, {"t1w": {"run": 2}})) == ["sub-01_ses-a_acq-mprage_run-02"]
    assert stems(filtered(config, {"t1w": {"session": None}})) == ["sub-02"]
    assert stems(filtered(config, {"t1w": {"session": "*", "run": None}})) == ["sub-01_ses-b"]
    assert stems(filtered(config, {"t1w": {"session": ["b", None]}})) == ["sub-01_ses-b", "sub-02"]
    assert stems(filtered(config, {"t1w": {"session": "Query.NONE"}})) == ["sub-02"]


def test_filters_may_repeat_what_every_image_has(config):
    repeated = {"t1w": {"datatype": "anat", "suffix": "T1w", "session": "b"}}
    assert stems(filtered(config, repeated)) == ["sub-01_ses-b"]


def test_filter_by_subject_narrows_the_choice(config):
    selection = select_images(filtered(config, {"t1w": {"subject": ["02", "99"]}}))
    assert [image.stem for image in selection.images] == ["sub-02"] and selection.missing == ()


def test_filters_and_labels_narrow_the_choice_together(config):
    asked = replace(config, participant_labels=("01", "02"), session_labels=("a", "b"))
    assert stems(filtered(asked, {"t1w": {"subject": "01", "session": "b"}})) == ["sub-01_ses-b"]
    for other in ({"subject": "03"}, {"session": None}, {"session": "c"}):
        with pytest.raises(UsageError, match="has no T1w image that matches"):
            stems(filtered(asked, {"t1w": other}))


@pytest.mark.parametrize(
    "content",
    [
        {"t3w": {}},
        [],
        {"t1w": "x"},
        *({"t1w": {name: "a"}} for name in ("sessions", "regex_search", "return_type", "extension")),
        {"t1w": {"suffix": "T2w"}},
        {"t2w": {"suffix": "T1w"}},
        {"t2w": {"sessions": "a"}},
        {"t1w": {"suffix": ["T1w", "T2w"]}},
        {"t1w": {"datatype": "func"}},
        *({"t1w": {"acquisition": value}} for value in ({"a": 1}, [["a"]], 1.5, True, [])),
    ],
)
def test_filters_that_mean_nothing_are_refused(config, content):
    with pytest.raises(UsageError, match="filter.json"):
        stems(filtered(config, content))


@pytest.mark.parametrize(
    ("choice", "known"),
    [({"participant_labels": ("01", "9")}, "01 02 03"), ({"session_labels": ("z",)}, "a b")],
)
def test_unknown_label_is_refused_with_the_known_ones(config, choice, known):
    with pytest.raises(UsageError, match=f"is not in the dataset; the dataset has {known}"):
        select_images(replace(config, **choice))


def test_dataset_without_description_is_refused_with_the_mend(config):
    (config.bids_dir / "dataset_description.json").unlink()
    (config.bids_dir.parent / "empty").mkdir()
    for bids_dir in (config.bids_dir, config.bids_dir.parent / "empty"):
        with pytest.raises(UsageError, match="needs a dataset_description.json"):
            select_images(replace(config, bids_dir=bids_dir))


@pytest.mark.parametrize("text", ["3", "[]", "{", '\ufeff{"Name": "x", "BIDSVersion": "1.10.0"}'])
def test_description_that_is_none_is_refused_in_one_line(config, text):
    (config.bids_dir / "dataset_description.json").write_text(text)
    with pytest.raises(UsageError, match="is not a BIDS dataset"):
        select_images(config)


def test_dataset_without_any_t1w_is_refused(tmp_path):
    config = RunConfig(make_dataset(tmp_path), tmp_path / "out", tmp_path / "work")
    with pytest.raises(UsageError, match="has no T1w image"):
        select_images(config)


def refused(config: RunConfig) -> dict[str, str]:
    found = select_images(config).refused
    assert all(image.relative == error.subject for image, error in found)
    return {error.subject: error.reason for _, error in found}


def test_files_that_would_share_their_outputs_are_refused_and_no_other(config):
    (config.bids_dir / "sub-02" / "anat" / "sub-02_T1w.nii").touch()
    assert refused(config) == {
        "sub-02/anat/sub-02_T1w.nii": "would share its outputs with sub-02/anat/sub-02_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz": "would share its outputs with sub-02/anat/sub-02_T1w.nii",
    }
    assert stems(config) == ["sub-01_ses-a_acq-mprage_run-01", "sub-01_ses-a_acq-mprage_run-02", "sub-01_ses-b"]


def test_files_that_would_share_their_work_folder_are_refused(tmp_path):
    names = ("sub-1/anat/sub-1_acq-a+b", "sub-1/anat/sub-1_acq-a_plus_b", "sub-1/anat/sub-1_acq-b")
    config = RunConfig(make_dataset(tmp_path / "data", *names), tmp_path / "out", tmp_path / "work")
    assert set(refused(config)) == {f"{name}_T1w.nii.gz" for name in names[:2]}


def test_runs_of_two_sessions_whose_names_leave_the_session_out_are_refused(tmp_path):
    names = [f"sub-1/ses-{session}/anat/sub-1_run-{run}" for session in "ab" for run in "12"]
    dataset = make_dataset(tmp_path / "data", *names, "sub-2/anat/sub-2")
    config = RunConfig(dataset, tmp_path / "out", tmp_path / "work")
    assert set(refused(config)) == {f"{name}_T1w.nii.gz" for name in names}
    assert stems(config) == ["sub-2"]


@pytest.mark.parametrize(
    "name", ["sub-02/anat/sub-01", "sub-01/ses-a/anat/sub-01_ses-b", "sub-02/anat/sub-02_ses-a", "sub-02/anat/x"]
)
def test_name_that_disagrees_with_its_folders_is_refused(config, name):
    make_dataset(config.bids_dir, name)
    assert [subject for subject in refused(config)] == [f"{name}_T1w.nii.gz"]


def test_dataset_may_be_a_link(config, tmp_path):
    (tmp_path / "link").symlink_to(config.bids_dir)
    assert stems(replace(config, bids_dir=tmp_path / "link")) == stems(config)
