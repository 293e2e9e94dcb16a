"""Images of several ages in one run."""

import pytest

from cerebbids.cli import execute
from cerebbids.cli.run import main
from cerebbids.files import write_text


@pytest.fixture
def ages(dataset):
    """An infant whose age is between systems, and an adult."""
    table = "participant_id\tage_months\nsub-01\t3\nsub-02\t360\n"
    (dataset.raw / "participants.tsv").write_text(table)
    return dataset


def test_dry_run_shows_the_system_of_every_image(ages, capsys):
    assert main(ages.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "deepceres (30 years)" in shown and "none: is of a person of 3 months" in shown
    assert "sub-01/anat/sub-01_T1w.nii.gz: is of a person of 3 months (age_months 3 in participants.tsv)" in shown
    assert main(ages.arguments("--dry-run", "--system", "deepceres")) == 0
    shown = capsys.readouterr().out
    assert "deepceres (3 months)" in shown and "sub-01: The age, 3 months (age_months 3 in participants.tsv)" in shown


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
    assert line.startswith("sub-01/anat/sub-01_T1w.nii.gz: is of a person of 3 months")
    assert said.out.splitlines()[-1].startswith("1 done, 1 failed: sub-01 (is of a person of 3 months")
    assert [(image.subject, image.system, image.months) for image in done] == [("02", "deepceres", 360)]
    assert "there is no system between 45 weeks postmenstrual and 5 months" in (ages.out / "sub-01.html").read_text()
    assert ages.path("01", "mask").exists()  # nothing is known against the image


def test_a_run_that_has_a_system_for_nobody_ends_well(no_work, dataset, capsys):
    assert main(dataset.arguments("--age-months", "3")) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 done, 2 failed: ")
    assert (dataset.out / "dataset_description.json").exists()


@pytest.mark.parametrize(("options", "refused"), [([], 1), (["--age-months", "3"], 2)])
def test_methods_are_those_of_the_images_that_have_a_system(no_work, ages, options, refused, capsys):
    assert main(ages.arguments("--boilerplate-only", *options)) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == refused
    text = (ages.out / "logs" / "CITATION.md").read_text()
    assert ("cerebbids model deepceres" in text) == (refused == 1)


def test_newborns_of_a_table_as_the_dhcp_writes_it(dataset, monkeypatch, capsys):
    monkeypatch.setattr("cerebbids.cli.plan.available_systems", lambda folder: {"deepceres", "infant", "neonatal"})
    monkeypatch.setattr("cerebbids.cli.plan.output_paths", lambda image, config: [])
    table = "participant_id\tsex\tbirth_age\nsub-01\tfemale\t38.57\nsub-02\tmale\t29.0\n"
    (dataset.raw / "participants.tsv").write_text(table)
    for who, age in (("01", "41.29"), ("02", "45.14")):
        path = next((dataset.raw / f"sub-{who}").glob("anat/*_T1w.nii.gz"))
        path.parent.with_name("ses-1").mkdir()
        path.parent.rename(path.parent.with_name("ses-1") / "anat")
        for image in (path.parent.with_name("ses-1") / "anat").iterdir():
            image.rename(image.with_name(image.name.replace(f"sub-{who}", f"sub-{who}_ses-1")))
        (dataset.raw / f"sub-{who}" / f"sub-{who}_sessions.tsv").write_text(f"session_id\tscan_age\n1\t{age}\n")
    assert main(dataset.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "neonatal (41.29 weeks postmenstrual)" in shown
    assert "sub-01_ses-1: The unit of scan_age is not told in sub-01_sessions.tsv; it was taken for weeks." in shown
    assert "of 45.14 weeks postmenstrual (scan_age 45.14 in sub-02_sessions.tsv), and there is no system" in shown
