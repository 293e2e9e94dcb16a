"""Volumes of pages and sheets, held against norms."""

import json

import pytest

from cerebbids.cli.pages import write_pages
from cerebbids.cli.references import read_references
from cerebbids.cli.run import main
from tests.finished import NAMES, contents, finish, path
from tests.reports.test_volumetry import norms_table

PEOPLE = "participant_id\tage\tsex\nsub-01\t30\tF\nsub-02\tsoon\tM\n"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Two participants with all tables."""
    folder = tmp_path_factory.mktemp("norms")
    for name in NAMES.values():
        finish(folder / "out", folder / "work", name)
    return folder / "out"


@pytest.fixture
def raw(tmp_path):
    """The dataset, with ages and sexes, and sessions of the second participant."""
    folder = tmp_path / "raw"
    (folder / "sub-02").mkdir(parents=True)
    (folder / "participants.tsv").write_text(PEOPLE)
    (folder / "participants.json").write_text('{"age": {"Units": "years"}}')
    return folder


def lobule(out, raw, tmp_path, *bounds):
    norms_table(tmp_path / "norms.tsv", ("Left VI", "volume_mm3", "mm^3", *bounds))
    assert not write_pages(out, ["01", "02"], read_references(tmp_path / "norms.tsv", raw, ("01", "02")))
    return [(out / f"sub-{subject}.html").read_text() for subject in ("01", "02")]


def test_bounds_are_those_of_the_person_and_of_nobody_else(out, raw, tmp_path):
    first, second = lobule(out, raw, tmp_path, 1000, 2000)
    assert "<small>[1.00 ±0.00</small>" in first and "N = 50" in first
    assert "[1.00" not in second and "is no number" in second
    sheet = path(out, "01", "report_csv").read_text()
    assert "female" in sheet and "30.0 years" in sheet
    assert "n/a (age 'soon'" in path(out, "02", "report_csv").read_text()


def test_volumes_outside_are_marked_and_others_not(out, raw, tmp_path):
    assert 'class="number outside"' in lobule(out, raw, tmp_path, 100, 200)[0]
    assert 'class="number outside"' not in lobule(out, raw, tmp_path, 1, 1e6)[0]


def test_volumes_of_another_convention_have_no_bounds(out, raw, tmp_path):
    first, _ = lobule(out, raw, tmp_path, 1000, 2000)
    assert "the norms are of seg-Lobules, the value is of seg-DeepCERES" in first
    assert ";1.000000;" not in path(out, "01", "carved_report_csv").read_text()


def test_age_at_the_session_comes_first(out, raw, tmp_path):
    (raw / "sub-02" / "sub-02_sessions.tsv").write_text("session_id\tage\nses-a\t31\n")
    (raw / "sub-02" / "sub-02_sessions.json").write_text('{"age": {"Units": "years"}}')
    _, second = lobule(out, raw, tmp_path, 1000, 2000)
    assert "[1.00" in second and "31.0 years" in path(out, "02", "report_csv").read_text()


def test_without_norms_pages_say_so_and_show_no_bound(out, raw):
    assert not write_pages(out, ["01"], read_references(None, raw, ("01",)))
    text = (out / "sub-01.html").read_text()
    assert "No bounds are shown: no table of norms was given" in text and "Centile" not in text


def test_people_that_cannot_be_read_are_nobody_and_one_line(out, raw, capsys):
    (raw / "participants.json").write_text("{")
    references = read_references(None, raw, ("01",))
    (line,) = capsys.readouterr().err.splitlines()
    assert "participants.json" in line
    assert not write_pages(out, ["01"], references)
    assert "cannot be read" in path(out, "01", "report_csv").read_text()


def test_damaged_table_is_told_on_the_page_and_leaves_no_older_sheet(out, raw):
    references = read_references(None, raw, ("01", "02"))
    assert not write_pages(out, ["01", "02"], references)
    table, sheet = path(out, "01", "morph"), path(out, "01", "report")
    whole = table.read_text()
    table.write_text("\n".join(line for line in whole.splitlines() if "\tLeft VI\t" not in line))
    assert sheet.exists() and not write_pages(out, ["01"], references)
    text = (out / "sub-01.html").read_text()
    assert "has no volume of Left VI" in text and "cerebbids-tables" in text
    assert not sheet.exists() and path(out, "01", "carved_report").exists()
    table.write_text(whole)
    assert not write_pages(out, ["01"], references) and sheet.exists()


def test_transform_that_is_none_leaves_the_scale_unknown(out, raw):
    xfm = path(out, "01", "xfm_to_mni")
    whole = xfm.read_bytes()
    xfm.write_bytes(b"\xff\xfe\x00")
    assert not write_pages(out, ["01"], read_references(None, raw, ("01",)))
    assert "cannot be read" in path(out, "01", "report_csv").read_text()
    xfm.write_bytes(whole)


@pytest.mark.parametrize("level", ["participant", "group"])
def test_norms_that_will_not_do_are_told_before_any_work(tmp_path, raw, level, capsys):
    (tmp_path / "norms.tsv").write_text("structure\tmeasure\n")
    (tmp_path / "norms.json").write_text(json.dumps({"Scheme": "Lobules"}))
    made = tmp_path / "out"
    options = ["-w", str(tmp_path / "work"), "--norms", str(tmp_path / "norms.tsv")]
    (raw / "sub-02" / "anat").mkdir()
    (raw / "sub-02" / "anat" / "sub-02_T1w.nii.gz").touch()
    assert main([str(raw), str(made), level, *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "norms" in line
    assert not contents(made)


def test_sheet_that_cannot_be_written_is_told_and_keeps_nothing_else_back(out, raw):
    references = read_references(None, raw, ("01", "02"))
    sheet, other = path(out, "01", "report"), path(out, "01", "carved_report")
    for file in (sheet, other, out / "sub-01.html"):
        file.unlink(missing_ok=True)
    sheet.mkdir()
    failures = write_pages(out, ["01", "02"], references)
    assert list(failures) == ["sub-01.html"] and sheet.name in str(failures["sub-01.html"])
    assert (out / "sub-01.html").exists() and path(out, "02", "report").is_file()
    sheet.rmdir()
