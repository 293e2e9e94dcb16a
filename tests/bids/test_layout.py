"""Databases of a dataset, in the place of its folders."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.query import select_images
from cerebbids.config import RunConfig
from cerebbids.errors import UsageError
from tests.datasets import make_dataset

NAMES = ("sub-01/ses-a/anat/sub-01_ses-a", "sub-02/ses-a/anat/sub-02_ses-a")


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    raw = make_dataset(tmp_path / "data", *NAMES)
    shutil.copy(raw / f"{NAMES[1]}_T1w.nii.gz", raw / f"{NAMES[1]}_T2w.nii.gz")
    return RunConfig(raw, tmp_path / "out", tmp_path / "work", bids_database_dir=tmp_path / "db")


def test_a_database_is_made_of_the_whole_dataset_and_used_again(config):
    one = replace(config, participant_labels=("02",))
    made = select_images(one)
    assert made == select_images(replace(one, bids_database_dir=None)) and made.images[0].t2w
    (config.bids_database_dir / "layout_index.sqlite").chmod(0o444)
    assert select_images(config) == select_images(replace(config, bids_database_dir=None))
    assert [path.name for path in config.bids_dir.parent.iterdir()].count("db") == 1
    assert not list(config.bids_dir.parent.glob(".*_db"))


def test_what_came_after_a_database_is_not_in_it(config):
    select_images(config)
    make_dataset(config.bids_dir, "sub-03/anat/sub-03")
    found = select_images(config)
    assert [error.subject for error in found.missing] == ["sub-03"] and len(found.images) == 2


def test_what_is_gone_since_is_told(config):
    select_images(config)
    (config.bids_dir / f"{NAMES[1]}_T1w.nii.gz").unlink()
    with pytest.raises(UsageError, match="db: is older than the dataset .* is gone.; remove it"):
        select_images(config)


def test_a_database_of_another_dataset_is_refused(config, tmp_path):
    select_images(config)
    other = make_dataset(tmp_path / "other", *NAMES)
    with pytest.raises(UsageError, match="db: is of another dataset"):
        select_images(replace(config, bids_dir=other))


@pytest.mark.parametrize("content", [b"", b"no database at all"])
def test_a_damaged_database_is_one_line(config, content):
    select_images(config)
    (config.bids_database_dir / "layout_index.sqlite").write_bytes(content)
    with pytest.raises(UsageError, match="db: is no database of PyBIDS"):
        select_images(config)


def test_a_place_that_is_taken_is_told(config):
    config.bids_database_dir.mkdir()
    (config.bids_database_dir / "notes.txt").touch()
    with pytest.raises(UsageError, match="db: cannot be made .*; choose an empty folder"):
        select_images(config)


def test_a_database_serves_another_path_to_the_same_dataset(config, tmp_path):
    made = select_images(config)
    (tmp_path / "link").symlink_to(config.bids_dir)
    found = select_images(replace(config, bids_dir=tmp_path / "link"))
    assert [image.relative for image in found.images] == [image.relative for image in made.images]
    assert all(image.path.is_relative_to(tmp_path / "link") for image in found.images)


def test_a_database_that_cannot_be_made_is_named_and_not_the_dataset(config, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file/db: cannot be made .Not a directory.; choose an empty folder"):
        select_images(replace(config, bids_database_dir=tmp_path / "file" / "db"))
