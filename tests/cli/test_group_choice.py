"""Whom the group's files are about, and what is refused."""

import tempfile
from dataclasses import replace

import pytest

from cerebbids.bids.names import GROUP_QC, group_table
from cerebbids.cli.group import run_group
from cerebbids.cli.records import Record
from cerebbids.cli.run import main
from cerebbids.errors import UsageError
from tests.datasets import make_dataset
from tests.finished import RUN, contents
from tests.groups import FIVE, RUNS, filled, folders, put, read

LONG = group_table("Lobules")


def test_folder_without_labels_is_refused(tmp_path, capsys):
    config = folders(tmp_path, *FIVE)
    for out in (config.output_dir, tmp_path / "nowhere"):
        assert main([str(config.bids_dir), str(out), "group"]) == 2
        assert (
            capsys.readouterr().err == f"cerebbids: {out}: has no labels of cerebbids; run cerebbids on images first\n"
        )
    assert not list(config.output_dir.glob("group*")) and not (tmp_path / "nowhere").exists()


def test_chosen_participants_alone_are_gathered(tmp_path, capsys):
    config = filled(tmp_path, *FIVE)
    assert main([str(config.bids_dir), str(config.output_dir), "group", "--participant-label", "sub-2", "4"]) == 0
    assert capsys.readouterr().err == ""
    assert set(read(config.output_dir, LONG)["participant_id"]) == {"sub-2", "sub-4"}


def test_chosen_participant_without_the_chosen_session_is_told(tmp_path, capsys):
    config = replace(filled(tmp_path, *RUNS, FIVE[1]), participant_labels=("1", "2"), session_labels=("a",))
    assert run_group(config) == 1
    assert capsys.readouterr().err.startswith("sub-2: has no results in ")


@pytest.mark.parametrize(
    ("option", "known"), [("--participant-label", "1 2 3"), ("--session-label", "a b c"), ("--session-label", "")]
)
def test_label_that_is_nowhere_is_refused(tmp_path, option, known, capsys):
    config = filled(tmp_path, *(RUNS if "c" in known else ()), *FIVE[:3])
    if "c" in known:
        failed = "sub-2/ses-c/anat/sub-2_ses-c_T1w.nii.gz"
        Record(failed, RUN, "sub-2: is empty; copy it again").save(config.output_dir)
    assert main([str(config.bids_dir), str(config.output_dir), "group", option, "99", "x"]) == 2
    mend = f"the output folder has {known or 'none'}"
    assert capsys.readouterr().err == f"cerebbids: {option} 99 x: is not in the output folder; {mend}\n"
    assert not list(config.output_dir.glob("group*"))


def test_participants_without_any_result_are_counted(tmp_path, capsys):
    config = folders(tmp_path, *RUNS, *FIVE[1:])
    (config.bids_dir / "sub-6" / "func").mkdir(parents=True)
    for name in (*RUNS, FIVE[1]):
        put(config.output_dir, name)
    assert run_group(config) == 0
    told = "3 participants of the dataset have no results"
    assert capsys.readouterr().err == f"{config.bids_dir}: {told}\n"
    assert f"{told}." in (config.output_dir / "group.html").read_text()
    for choice in ({"session_labels": ("b",)}, {"participant_labels": ("2",)}):
        assert run_group(replace(config, **choice)) == 0
        assert capsys.readouterr().err == ""


def test_misplaced_images_are_their_folder_s(tmp_path):
    misplaced = ("sub-1/anat/sub-7", "sub-3/anat/sub-2")
    config = folders(tmp_path, *FIVE[:3], *misplaced)
    for name in FIVE[:3]:
        put(config.output_dir, name)
    for name in misplaced:
        Record(f"{name}_T1w.nii.gz", RUN, "is misplaced; move it", refused=True).save(config.output_dir)
    assert run_group(config) == 1
    rows = read(config.output_dir, GROUP_QC).query("state == 'refused'")
    assert rows[["participant_id", "image"]].values.tolist() == [["sub-1", "sub-7"], ["sub-3", "sub-2"]]
    page = (config.output_dir / "group.html").read_text()
    assert "5 images · 3 participants" in page and 'href="sub-1.html#sub-1/anat/sub-7_T1w.nii.gz"' in page
    assert '"rows":[0,2,4]' in page  # not those of images whose names they have
    assert run_group(replace(config, participant_labels=("2",))) == 0
    assert read(config.output_dir, GROUP_QC)["state"].tolist() == ["done"]


def test_folder_that_cannot_be_written_to_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    config = filled(tmp_path, *FIVE)
    before = contents(config.output_dir)

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert main([str(config.bids_dir), str(config.output_dir), "group"]) == 2
    told = f"cerebbids: {config.output_dir}: cannot be written to (Permission denied); mend its permissions\n"
    assert capsys.readouterr().err == told
    assert contents(config.output_dir) == before


def test_page_that_cannot_be_replaced_is_named(tmp_path, capsys):
    config = filled(tmp_path, *FIVE)
    page = config.output_dir / "group.html"
    page.mkdir()
    assert main([str(config.bids_dir), str(config.output_dir), "group"]) == 1
    assert capsys.readouterr().err.startswith(f"cerebbids: {page}: Is a directory; ")


@pytest.mark.parametrize("option", ["dry_run", "reports_only", "boilerplate_only"])
def test_options_for_single_images_are_refused(tmp_path, option):
    config = filled(tmp_path, *FIVE)
    with pytest.raises(UsageError, match="single images"):
        run_group(replace(config, **{option: True}))
    assert not list(config.output_dir.glob("group*"))


def test_results_of_another_dataset_are_refused(tmp_path):
    config = filled(tmp_path, *FIVE)
    with pytest.raises(UsageError, match="of another dataset"):
        run_group(replace(config, bids_dir=make_dataset(tmp_path / "other")))
