"""Images of several ages in one run."""

import pytest

from cerebbids.cli import execute
from cerebbids.cli.run import main
from cerebbids.files import write_text


@pytest.fixture
def ages(dataset):
    """A newborn, and an adult."""
    table = "participant_id\tage_months\nsub-01\t1\nsub-02\t360\n"
    (dataset.raw / "participants.tsv").write_text(table)
    return dataset


def test_dry_run_shows_the_system_of_every_image(ages, capsys):
    assert main(ages.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "deepceres (30 years)" in shown and "none: is of a person of 1 month" in shown
    assert "sub-01/anat/sub-01_T1w.nii.gz: is of a person of 1 month (age_months 1 in participants.tsv)" in shown
    assert main(ages.arguments("--dry-run", "--system", "deepceres")) == 0
    shown = capsys.readouterr().out
    assert "deepceres (1 month)" in shown and "sub-01: The age, 1 month (age_months 1 in participants.tsv)" in shown


def test_dry_run_says_a_warning_of_many_once(dataset, capsys):
    assert main(dataset.arguments("--dry-run")) == 0
    assert "sub-01 and 1 more: The age is not known (no row in participants.tsv)" in capsys.readouterr().out


def test_an_image_without_a_system_is_told_and_the_others_are_done(no_work, ages, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(execute, "execute", lambda *call: done.extend(call[2]) or execute.Outcome({}, {}))
    write_text(ages.path("01", "mask"), "old")
    assert main(ages.arguments()) == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("sub-01/anat/sub-01_T1w.nii.gz: is of a person of 1 month")
    assert said.out.splitlines()[-1].startswith("1 done, 1 failed: sub-01 (is of a person of 1 month")
    assert [(image.subject, image.system, image.months) for image in done] == [("02", "deepceres", 360)]
    assert "there is no system below 5 months" in (ages.out / "sub-01.html").read_text()
    assert ages.path("01", "mask").exists()  # nothing is known against the image


def test_a_run_that_has_a_system_for_nobody_ends_well(no_work, dataset, capsys):
    assert main(dataset.arguments("--age-months", "3")) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 done, 2 failed: ")
    assert (dataset.out / "dataset_description.json").exists()


@pytest.mark.parametrize("months", ["1", "3"])
def test_methods_are_those_of_the_images_that_have_a_system(no_work, ages, months, capsys):
    options = ["--boilerplate-only"] if months == "1" else ["--boilerplate-only", "--age-months", months]
    assert main(ages.arguments(*options)) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == (1 if months == "1" else 2)
    text = (ages.out / "logs" / "CITATION.md").read_text()
    assert ("cerebbids model deepceres" in text) == (months == "1")
