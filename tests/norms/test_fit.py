import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.people import Person
from cerebbids.cli.norms import main
from cerebbids.norms import curves
from cerebbids.norms.lookup import place
from cerebbids.norms.table import read_norms
from tests.norms.simulated import true_centiles, write_group


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(curves, "BOOTSTRAPS", 5)
    monkeypatch.setattr(curves, "SHAPE_FOLDS", 2)


def fit(root, **how):
    table, participants = write_group(root / "in", **how)
    code = main(["fit", str(table), "--participants", str(participants), str(root / "norms.tsv")])
    return code, root / "norms.tsv"


def test_help_loads_nothing_heavy():
    heavy = ("numpy", "pandas", "scipy", "matplotlib", "rich", "torch", "bids")
    code = (
        "import sys; from cerebbids.cli.norms import main\n"
        "try: main(['fit', '--help'])\n"
        f"except SystemExit: print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: cerebbids-norms fit" in done.stdout and "heavy: []" in done.stdout


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "BOOTSTRAPS", 10)
        patch.setattr(curves, "SHAPE_FOLDS", 5)
        code, path = fit(tmp_path_factory.mktemp("norms"), people=300, seed=1)
    assert code == 0
    return path


def test_known_centiles_from_a_groups_table(fitted):
    norms = read_norms(fitted)
    assert (norms.scheme, norms.source) == ("Lobules", "Simulated people")
    errors = []
    for age in (25.0, 40.0, 55.0, 70.0):
        for sex in ("female", "male"):
            low, middle, high = true_centiles(np.array([age]), np.array([sex == "male"]), (5, 50, 95))[0]
            found = place(norms, "Left VI", "volume_mm3", middle, Person(age, sex), "Lobules")
            assert 25 < found.centile < 75 and found.why == ""
            assert found.lower.low < found.lower.value < found.lower.high
            errors.append(np.array([found.lower.value - low, found.upper.value - high]) / (high - low))
    assert np.abs(errors).mean(0) == pytest.approx([0, 0], abs=0.18)


def test_all_measures(fitted):
    found = read_norms(fitted).curves
    assert {(structure, measure) for structure, measure, _ in found} == {
        *((name, unit) for name in ("Left VI", "Right VI", "Cerebellum") for unit in ("volume_mm3", "icv_percent")),
        ("VI", "asymmetry_percent"),
    }  # fmt: skip
    asymmetry = place(read_norms(fitted), "VI", "asymmetry_percent", 5.0, Person(50.0, "male"), "Lobules")
    assert asymmetry.lower.value < 100 * 2 * (6300 - 6000) / 12300 < asymmetry.upper.value  # 5 % by construction


def test_what_stands_beside(fitted):
    described = json.loads(fitted.with_suffix(".json").read_text())
    assert sum(described["N"].values()) == 300 and described["Calibration"]["50"]["mean"] == pytest.approx(50, abs=6)
    table = pd.read_csv(fitted.with_name("norms_calibration.tsv"), sep="\t")
    everybody = table[
        (table["structure"] == "Left VI") & (table["measure"] == "volume_mm3") & (table["group"] == "all")
    ]
    shares = everybody.set_index("centile")["below_percent"]
    assert abs(shares[5] - 5) < 4 and abs(shares[95] - 95) < 4 and shares.is_monotonic_increasing
    picture = fitted.with_name("norms_calibration.svg").read_text()
    assert ElementTree.fromstring(picture).tag.endswith("svg") and "cross-validation, 300 people" in picture
    assert fitted.with_name("norms_calibration.json").exists()


def test_nobody_is_called_abnormal(fitted):
    texts = " ".join(path.read_text() for path in fitted.parent.glob("norms*"))
    assert not any(word in texts.lower() for word in ("abnormal", "patholog", "healthy", "deviant"))


def test_the_same_again(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert fit(tmp_path / name, people=50)[0] == 0
    for name in ("norms.tsv", "norms.json", "norms_calibration.tsv", "norms_calibration.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_people_without_age_or_sex_are_left_out_and_told(tmp_path, capsys):
    table, participants = write_group(tmp_path / "in", 60)
    rows = participants.read_text().splitlines()
    rows[1] = rows[1].rsplit("\t", 2)[0] + "\tn/a\tF"
    rows[2] = rows[2].rsplit("\t", 1)[0] + "\tO"
    del rows[3]
    participants.write_text("\n".join(rows) + "\n")
    assert main(["fit", str(table), "--participants", str(participants), str(tmp_path / "norms.tsv")]) == 0
    told = capsys.readouterr().err
    assert "3 images are not used" in told and "no age in participants.tsv" in told and "sex 'O'" in told
    assert sum(json.loads((tmp_path / "norms.json").read_text())["N"].values()) == 57


def test_no_cavity_is_no_norms_of_percentages(tmp_path):
    code, path = fit(tmp_path, people=50, cavity=False)
    assert code == 0
    assert {measure for _, measure, _ in read_norms(path).curves} == {"volume_mm3", "asymmetry_percent"}


def test_people_and_not_images_are_counted(tmp_path, capsys):
    assert fit(tmp_path / "a", people=45, images=2)[0] == 0
    assert sum(json.loads((tmp_path / "a" / "norms.json").read_text())["N"].values()) == 45
    code, path = fit(tmp_path / "b", people=30, images=3)
    said = capsys.readouterr().err
    assert code == 0 and "one curve for both sexes" in said
    assert {sex for _, _, sex in read_norms(path).curves} == {"both"}
    assert sum(json.loads(path.with_suffix(".json").read_text())["N"].values()) == 30
    curve = read_norms(path).curves["Left VI", "volume_mm3", "both"]
    age = float(curve.ages[np.isfinite(curve.values[:, 5])][0])
    for person in (Person(age, "female"), Person(age, None, "", "no sex")):
        found = place(read_norms(path), "Left VI", "volume_mm3", 6000.0, person, "Lobules")
        assert found.text != "n/a" and found.n == 30 and "too few people for the centiles 5 and 95" in found.why
    code, path = fit(tmp_path / "c", people=15, images=3)
    assert code == 2 and "fewer than 20 people" in capsys.readouterr().err and not path.exists()


def test_red_lights_are_told(tmp_path, capsys):
    table, participants = write_group(tmp_path / "in", 45)
    rows = "image\tlight\nsub-0001_run-0\tred\nsub-0002_run-0\tgreen\nsub-9999_run-0\tred\n"
    (tmp_path / "in" / "group_qc.tsv").write_text(rows)
    assert main(["fit", str(table), "--participants", str(participants), str(tmp_path / "norms.tsv")]) == 0
    assert "1 images have a red light" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "text", "reason"), [
    ("group_seg-Lobules_desc-wide_morph.tsv", "", "is not named as"),
    ("group_seg-Other_morph.tsv", "", "is not named as"),
    ("group_seg-Lobules_morph.tsv", "", "is not a group's table"),
    ("group_seg-Lobules_morph.tsv", "participant_id\tname\nsub-1\tVI\n", "is not a group's table"),
])  # fmt: skip
def test_tables_that_are_none(tmp_path, capsys, name, text, reason):
    _, participants = write_group(tmp_path / "in", 50)
    (tmp_path / name).write_text(text)
    assert main(["fit", str(tmp_path / name), "--participants", str(participants), str(tmp_path / "norms.tsv")]) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1


def test_output_that_is_no_table(tmp_path, capsys):
    table, participants = write_group(tmp_path / "in", 50)
    assert main(["fit", str(table), "--participants", str(participants), str(tmp_path / "norms.csv")]) == 2
    assert "another ending than .tsv" in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["-5", "inf"])
def test_volumes_that_are_none(tmp_path, capsys, cell):
    table, participants = write_group(tmp_path / "in", 50)
    first, row, *rest = table.read_text().splitlines()
    cells = row.split("\t")
    table.write_text("\n".join([first, "\t".join([*cells[:-2], cell, cells[-1]]), *rest]) + "\n")
    assert main(["fit", str(table), "--participants", str(participants), str(tmp_path / "norms.tsv")]) == 2
    assert "a volume is below 0 or without end" in capsys.readouterr().err


def test_region_told_twice(tmp_path, capsys):
    table, participants = write_group(tmp_path / "in", 50)
    table.write_text(table.read_text() + table.read_text().splitlines()[-1] + "\n")
    assert main(["fit", str(table), "--participants", str(participants), str(tmp_path / "norms.tsv")]) == 2
    assert "has a region twice" in capsys.readouterr().err
