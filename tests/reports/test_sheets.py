import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.bids.people import Person
from cerebbids.errors import UsageError
from cerebbids.interchange.foreign import read_foreign
from cerebbids.reports.image import ImageReport, Scan
from cerebbids.reports.sheets import write_sheets
from cerebbids.reports.summary import RunSummary
from cerebbids.reports.volumetry import Reference

from .test_volumes import write_table
from .test_volumetry import norms_table, table

RUN = RunSummary("1.2.3", "cerebbids /data /out participant", "", datetime(2026, 1, 2), 75.0)


def report(tmp_path: Path, **more) -> ImageReport:
    names = {"report": "l.pdf", "report_csv": "l.csv", "carved_report": "d.pdf", "carved_report_csv": "d.csv"}
    sheets = {key: tmp_path / name for key, name in names.items()}
    sheets |= {key: tmp_path / f"{key}.png" for key in ("snapshot", "carved_snapshot")}
    Image.fromarray(np.full((40, 120, 3), 90, np.uint8)).save(sheets["snapshot"])
    told = {
        "tables": {"morph": table(tmp_path)},
        "sheets": sheets,
        "facts": {"Made with": "cerebbids 1.2.3", "Model": "deepceres 9"},
        "run": RUN,
        "quality": {"light": "yellow", "snr": 17.36},
        "reference": Reference(None, Person(30.0, "female")),
        "scan": Scan("LPS", (1.0, 0.5, 2.0), 1.25),
    }
    return ImageReport("sub-01_ses-a_T1w.nii.gz", **{**told, **more})


def pages(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def cells(path: Path) -> dict[str, str]:
    assert len(path.read_text().splitlines()) == 2
    header, line = csv.reader(path.read_text().splitlines(), delimiter=";")
    return dict(zip(header, line, strict=True))


def test_pdf_has_two_pages_of_text(tmp_path):
    write_sheets(report(tmp_path))
    first, second = pages(tmp_path / "l.pdf")
    for text in (
        "sub-01",
        "ses-a",
        "female",
        "30.0 years",
        "2026-01-02",
        "LPS",
        "1.00 × 0.50 × 2.00 mm",
        "1.250",
        "17.4",
    ):
        assert text in first, text
    assert "yellow" in first and "White matter" in first and "1000.00" in first
    assert "Crus II" in second and "VIIIB" in second and "66.7" in second
    assert "--norms" in second and "[" not in second
    assert not (tmp_path / "d.pdf").exists()


def test_bounds_stand_beneath_values_with_their_uncertainty_and_n(tmp_path):
    norms = norms_table(tmp_path / "norms.tsv", ("VI", "volume_mm3", "cm^3", 7.0, 9.5))
    write_sheets(report(tmp_path, reference=Reference(norms, Person(30.0, "female"))))
    second = pages(tmp_path / "l.pdf")[1]
    assert "[7.00 ±1.00" in second and "9.50 ±1.00]" in second
    assert "N = 50" in second and "Somebody" in second and "no diagnosis" in second
    told = cells(tmp_path / "l.csv")
    assert float(told["Lobule VI total volume cm3 lower bound"]) == 7
    assert told["Lobule VI total volume cm3 centile"] == "below 5"
    assert told["Lobule VI left volume cm3 lower bound"] == "n/a"
    assert (told["Norms"], told["Norms people"]) == ("Somebody", "50")


def test_values_outside_are_red_and_others_not(tmp_path):
    red = b".701961 .14902 .117647 rg"

    def reds(low):
        norms = norms_table(tmp_path / "norms.tsv", ("VI", "volume_mm3", "cm^3", low, 9.5))
        write_sheets(report(tmp_path, reference=Reference(norms, Person(30.0, "female"))))
        return sum(page.get_contents().get_data().count(red) for page in PdfReader(tmp_path / "l.pdf").pages)

    assert (reds(5.0), reds(7.0)) == (0, 1)


def test_csv_is_one_line_that_readers_of_volbrain_s_understand(tmp_path):
    write_sheets(report(tmp_path))
    told = cells(tmp_path / "l.csv")
    assert told["Participant"] == "sub-01" and told["SNR"] == "17.4" and told["Scheme"] == "seg-Lobules"
    assert float(told["Cerebellum total volume cm3"]) == 13 * 6
    assert float(told["Lobule VI right volume %"]) == pytest.approx(0.4)
    write_sheets(report(tmp_path, tables={"carved_morph": table(tmp_path)}))
    amounts, _ = read_foreign(tmp_path / "d.csv", "deepceres")
    assert amounts["Crus I right volume cm3"].mm3 == 4000 and amounts["Crus I left volume cm3"].mm3 == 2000
    assert amounts["ICV total volume cm3"].mm3 == 1e6


def test_volumes_of_one_convention_do_not_pass_for_those_of_another(tmp_path):
    write_sheets(report(tmp_path))
    with pytest.raises(UsageError, match="has volumes of seg-Lobules"):
        read_foreign(tmp_path / "l.csv", "deepceres")


def test_names_cannot_cut_the_line(tmp_path):
    odd = Reference(None, Person(why_no_age="age '3;4\"' in\nparticipants.tsv is no number"))
    write_sheets(report(tmp_path, reference=odd))
    assert cells(tmp_path / "l.csv")["Age"] == "n/a (age '3;4\"' in participants.tsv is no number)"


def test_same_sheet_makes_the_same_file(tmp_path):
    made = []
    for _ in range(2):
        write_sheets(report(tmp_path))
        made.append((tmp_path / "l.pdf").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("warnings", [(), ("W " + "very long " * 60,) * 30])
def test_there_are_two_pages_whatever_came_up(tmp_path, warnings):
    bounds = [(f"{side}{name}", measure, "%", -1, 300) for side in ("", "Left ", "Right ")
              for name in ("VI", "X", "Crus I") for measure in ("icv_percent", "asymmetry_percent")]  # fmt: skip
    norms = norms_table(tmp_path / "norms.tsv", *bounds)
    shown = report(tmp_path, warnings=warnings, errors=("Killed.",), reference=Reference(norms, Person(30.0, "male")))
    write_sheets(shown)
    first, _ = pages(tmp_path / "l.pdf")
    assert "ERROR: Killed." in first
    assert ("And 23 more" in first) == bool(warnings)


def test_unknown_things_are_said_to_be_unknown(tmp_path):
    bare = report(tmp_path, run=None, quality={}, scan=None, facts={}, reference=Reference())
    bare.sheets["snapshot"].unlink()
    write_sheets(replace(bare, reference=Reference(None, Person(why_no_sex="no sex in participants.tsv"))))
    first, _ = pages(tmp_path / "l.pdf")
    assert "n/a (no sex in participants.tsv)" in first and "There is no picture" in first
    assert cells(tmp_path / "l.csv")["SNR"] == "n/a (not measured by the version that made it)"


def test_columns_are_the_same_for_all_images(tmp_path):
    write_sheets(report(tmp_path))
    columns = list(cells(tmp_path / "l.csv"))
    older = write_table(tmp_path / "older.tsv", lambda label: 1000)  # without a cavity
    norms = norms_table(tmp_path / "norms.tsv", ("VI", "volume_mm3", "cm^3", 7.0, 9.5))
    write_sheets(report(tmp_path, tables={"morph": older}, run=None, reference=Reference(norms, Person(0.5))))
    told = cells(tmp_path / "l.csv")
    assert list(told) == columns and told["Age"] == "6.0 months" and float(told["Age years"]) == 0.5


def test_damaged_picture_is_none(tmp_path):
    shown = report(tmp_path)
    shown.sheets["snapshot"].write_bytes(shown.sheets["snapshot"].read_bytes()[:60])
    write_sheets(shown)
    assert "There is no picture" in pages(tmp_path / "l.pdf")[0]


def test_norms_of_one_region_make_two_pages(tmp_path):
    norms = norms_table(tmp_path / "norms.tsv", ("VI", "asymmetry_percent", "%", -10, 10))
    write_sheets(report(tmp_path, reference=Reference(norms, Person(30.0, "male"))))
    assert len(pages(tmp_path / "l.pdf")) == 2


def test_sheets_of_tables_that_are_gone_go(tmp_path):
    write_sheets(report(tmp_path))
    write_sheets(report(tmp_path, tables={}))
    assert not list(tmp_path.glob("*.pdf")) and not list(tmp_path.glob("*.csv"))


def test_sheets_are_of_the_scheme_of_their_table(tmp_path):
    write_sheets(report(tmp_path, tables={"carved_morph": table(tmp_path)}))
    assert "seg-DeepCERES" in pages(tmp_path / "d.pdf")[0]
    assert cells(tmp_path / "d.csv")["Scheme"] == "seg-DeepCERES" != f"seg-{COMPARTMENTS}"
    assert not (tmp_path / "l.pdf").exists()
