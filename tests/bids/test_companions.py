import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.companions import best_companions
from cerebbids.bids.query import select_images
from cerebbids.config import RunConfig
from tests.datasets import make_dataset


@pytest.mark.parametrize(
    ("t1w", "candidates", "best"),
    [
        ("run-2_T1w", ["run-1_T2w", "run-02_T2w", "T2w"], "run-02_T2w"),
        ("T1w", ["acq-a_T2w", "T2w", "run-1_T2w"], "T2w"),
        ("acq-a_run-1_T1w", ["acq-b_run-1_T2w", "acq-a_run-1_T2w"], "acq-a_run-1_T2w"),
        ("acq-a_run-1_T1w", ["rec-x_run-1_T2w", "run-1_T2w"], "run-1_T2w"),
        ("T1w", ["acq-b_T2w", "acq-a_T2w", "acq-a_run-1_T2w"], "acq-a_T2w acq-b_T2w"),
        ("T1w", [], ""),
    ],
)
def test_most_alike_are_found_in_the_order_of_their_names(t1w, candidates, best):
    paths = [Path(f"/d/sub-1_{name}.nii") for name in candidates]
    for order in (paths, paths[::-1]):
        found = best_companions(Path(f"/d/sub-1_{t1w}.nii"), order)
        assert found == tuple(Path(f"/d/sub-1_{name}.nii") for name in best.split())


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    names = ("sub-01/ses-a/anat/sub-01_ses-a", "sub-01/ses-b/anat/sub-01_ses-b", "sub-02/anat/sub-02")
    return RunConfig(make_dataset(tmp_path / "data", *names), tmp_path / "out", tmp_path / "work")


def add_t2w(config: RunConfig, name: str) -> None:
    """Put a file into the dataset; its content is not looked at."""
    path = config.bids_dir / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(config.bids_dir / "sub-02/anat/sub-02_T1w.nii.gz", path)


def companions(config: RunConfig) -> dict[str, str]:
    return {image.stem: image.t2w.name for image in select_images(config).images if image.t2w}


def test_t2w_is_of_the_same_participant_and_session(config):
    add_t2w(config, "sub-01/ses-b/anat/sub-01_ses-b_acq-space_T2w")
    assert companions(config) == {"sub-01_ses-b": "sub-01_ses-b_acq-space_T2w.nii.gz"}
    (image,) = [image for image in select_images(config).images if image.t2w]
    assert image.t2w_uri == "bids:raw:sub-01/ses-b/anat/sub-01_ses-b_acq-space_T2w.nii.gz"


@pytest.mark.parametrize(
    "name",
    [
        "sub-02/anat/sub-02_part-phase_T2w",
        "sub-02/anat/sub-02_desc-preproc_T2w",
        "sub-02/anat/sub-02_space-T1w_T2w",
        "sub-02/anat/sub-01_T2w",  # of somebody else
        "sub-02/anat/sub-02_FLAIR",
        "sub-02/anat/old/sub-02_T2w",
        "derivatives/x/sub-02/anat/sub-02_T2w",
    ],
)
def test_what_is_no_raw_t2w_of_the_participant_is_not_taken(config, name):
    add_t2w(config, name)
    assert companions(config) == {}


def test_magnitude_part_is_taken(config):
    add_t2w(config, "sub-02/anat/sub-02_part-mag_T2w")
    assert companions(config) == {"sub-02": "sub-02_part-mag_T2w.nii.gz"}


def test_filters_choose_among_t2w_images_and_no_t1w(config):
    for name in ("acq-a", "acq-b"):
        add_t2w(config, f"sub-02/anat/sub-02_{name}_T2w")
    path = config.bids_dir.parent / "filter.json"
    path.write_text(json.dumps({"t2w": {"acquisition": "b"}}))
    filtered = replace(config, bids_filter_file=path)
    assert companions(filtered) == {"sub-02": "sub-02_acq-b_T2w.nii.gz"}
    assert len(select_images(filtered).images) == 3
    path.write_text(json.dumps({"t2w": {"acquisition": "c"}}))
    assert companions(filtered) == {}


def test_a_choice_that_names_do_not_settle_is_told(config):
    for name in ("acq-b", "acq-a", "acq-a_run-1"):
        add_t2w(config, f"sub-02/anat/sub-02_{name}_T2w")
    add_t2w(config, "sub-01/ses-a/anat/sub-01_ses-a_T2w")
    assert companions(config)["sub-02"] == "sub-02_acq-a_T2w.nii.gz"
    told = {image.stem: image.warnings for image in select_images(config).images}
    assert told["sub-01_ses-a"] == told["sub-01_ses-b"] == ()
    assert "2 T2w images suit equally well; the first, sub-02_acq-a_T2w.nii.gz, was chosen" in "".join(told["sub-02"])


def test_t2w_images_are_not_looked_at_when_one_is_to_be_synthesised(config):
    add_t2w(config, "sub-02/anat/sub-02_T2w")
    assert companions(replace(config, t2w="synth")) == {}
