import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cerebbids.cli.convert import _TOOLS, main
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.volumetry import region_names
from cerebbids.interchange.foreign import read_foreign
from cerebbids.interchange.mapping import TOOLS, read_mapping
from tests.interchange import foreign_files

LAYOUTS = {"deepceres": "a.csv", "ceres": "a.csv", "cerebnet": "a.stats", "acapulco": "a.csv"}


def volumes(path, column="volume_mm3"):
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=["n/a"]).set_index("name")[column]


def convert(tmp_path, tool, ours="sub-01_morph.tsv", **how):
    source = getattr(foreign_files, tool)(tmp_path / LAYOUTS[tool], **how)
    assert main(["--from", tool, str(source), str(tmp_path / ours)]) == 0
    return source, tmp_path / ours


def test_help_loads_nothing_heavy():
    heavy = ("numpy", "nibabel", "pandas", "torch", "matplotlib")
    code = (
        "import sys; from cerebbids.cli.convert import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: cerebbids-convert" in done.stdout and "heavy: []" in done.stdout


def test_command_line_names_all_tools():
    assert tuple(TOOLS) == _TOOLS


def test_deepceres_in_cubic_centimetres(tmp_path, capsys):
    _, ours = convert(tmp_path, "deepceres", "sub-01_seg-DeepCERES_morph.tsv")
    found = volumes(ours)
    assert found["Right I-II"] == 1000 and found["Left Crus I"] == 5900
    assert found["Left I-IV"] == 900 + 1900 + 2900 and found["I-IV"] == 5700 + 6000
    assert found["Right grey matter"] == 78000 and found["Grey matter"] == 78000 + 78000 - 1200
    assert found["Intracranial cavity"] == 1.4e6
    percent = volumes(ours, "icv_percent")
    assert percent["Right X"] == pytest.approx(100 * 12000 / 1.4e6, abs=1e-4)
    assert {"Left white matter", "White matter", "Left cerebellum", "Cerebellum"}.isdisjoint(found.index)
    said = capsys.readouterr().err
    assert "left out" in said and "Left white matter" in said and "Lobules I-II right volume %" in said


def test_table_looks_as_this_program_writes_it(tmp_path):
    _, ours = convert(tmp_path, "ceres")
    table = pd.read_csv(ours, sep="\t", keep_default_na=False)
    assert list(table) == ["index", "name", "hemisphere", "tissue", "n_voxels", "volume_mm3", "icv_percent"]
    own = {label.name: str(label.index) for label in load_scheme("Lobules").labels}
    for row in table.itertuples():
        assert row.index != "" and row[1] == own.get(row.name, "n/a")
    assert [name for name in region_names(load_scheme("Lobules")) if name in set(table["name"])] == list(table["name"])[
        :-1
    ]
    assert set(table["n_voxels"]) == {"n/a"}
    sides = table.set_index("name")["hemisphere"]
    assert (sides["Left VI"], sides["VI"], sides["Intracranial cavity"]) == ("left", "both", "both")
    assert table.set_index("name")["tissue"]["Intracranial cavity"] == "n/a"
    described = json.loads(ours.with_suffix(".json").read_text())
    assert described["volume_mm3"]["Units"] == "mm^3" and described["Sources"] == ["a.csv"]
    assert "another tool" in described["Description"]


def test_cerebnet_tells_the_vermis(tmp_path, capsys):
    _, ours = convert(tmp_path, "cerebnet", "sub-01_seg-LobulesVermis_morph.tsv")
    found, voxels = volumes(ours), volumes(ours, "n_voxels")
    assert found["Left VI"] == 6050.5 and voxels["Left VI"] == 6050
    assert found["Vermis VI-VII"] == 6060.5 + 6300.5  # not the sum 632, which is nobody's region
    assert found["Vermis VIII-X"] == 6310.5 + 6240.5 + 6270.5
    assert found["Left white matter"] == 70.5
    assert found["Cerebellum"] == sum(10 * label + 0.5 for label in foreign_files.CEREBNET)
    # Its lobules I-IV and V hold half of the vermis there.
    assert {"Left V", "Left I-IV", "Vermis I-V", "Left I-II", "Left grey matter"}.isdisjoint(found.index)
    assert "Cbm_Vermis" in capsys.readouterr().err


def test_cerebnet_without_the_vermis(tmp_path):
    _, ours = convert(tmp_path, "cerebnet", "sub-01_seg-Lobules_morph.tsv")
    found = volumes(ours)
    assert found["Left I-IV"] == 6010.5 and found["Left V"] == 6030.5
    assert found["VI"] == 6050.5 + 6060.5 + 6070.5
    assert {"Left VI", "Crus I", "Left I-II"}.isdisjoint(found.index)  # half of the vermis VII would be Crus I's


@pytest.mark.parametrize("column", ["volume", "volume_cm3", "Volume (cm3)"])
def test_acapulco_is_in_cubic_millimetres_whatever_it_says(tmp_path, column):
    _, ours = convert(tmp_path, "acapulco", "sub-01_seg-LobulesVermis_morph.tsv", column=column)
    place = foreign_files.ACAPULCO.index
    found = volumes(ours)
    assert found["White matter"] == 1000 + 100 * place("Corpus Medullare")
    assert found["Left Crus II"] == 1000 + 100 * place("Left Crus II")
    assert {"Left white matter", "Left IV", "Left I-IV"}.isdisjoint(found.index)


def test_acapulco_four_with_and_without_its_slip(tmp_path):
    source, ours = convert(tmp_path, "acapulco", "sub-01_seg-Lobules_morph.tsv")
    place = foreign_files.ACAPULCO.index
    right = 2000 + 100 * (place("Right I-III") + place("Rigt IV"))
    assert volumes(ours)["Right I-IV"] == right
    source.write_text(source.read_text().replace("Rigt", "Right"))
    assert main(["--from", "acapulco", str(source), str(ours)]) == 0
    assert volumes(ours)["Right I-IV"] == right


@pytest.mark.parametrize(
    ("tool", "scheme"), [(tool.name, scheme) for tool in TOOLS.values() if tool.layout for scheme in tool.schemes]
)
def test_there_and_back(tmp_path, tool, scheme):
    """What comes back has the numbers that it had, and what can be told comes back."""
    source, ours = convert(tmp_path, tool, f"sub-01_seg-{scheme}_morph.tsv")
    again, twice = tmp_path / "again" / source.name, tmp_path / "again" / ours.name
    assert main(["--to", tool, str(ours), str(again)]) == 0
    assert main(["--from", tool, str(again), str(twice)]) == 0
    before, after = volumes(ours), volumes(twice)
    assert len(after) and after.to_dict() == {name: before[name] for name in after.index}
    count = {
        ("deepceres", "DeepCERES"): 25, ("ceres", "Lobules"): 25, ("cerebnet", "LobulesVermis"): 18,
        ("cerebnet", "Lobules"): 6, ("acapulco", "LobulesVermis"): 17, ("acapulco", "Lobules"): 5,
    }  # fmt: skip
    kept, lost = read_foreign(again, tool)[0], read_foreign(source, tool)[0]
    assert not read_foreign(again, tool)[1]
    assert all(kept[name].mm3 == pytest.approx(lost[name].mm3, abs=1e-3) for name in kept)
    assert len(kept) == count[tool, scheme]


@pytest.mark.parametrize(("tool", "ours", "missing"), [
    ("cerebnet", "Lobules", {"Cbm_Left_VI", "Cbm_Vermis_VI"}),
    ("acapulco", "LobulesVermis", {"Vermis VI", "Left V", "Left I-III"}),
])  # fmt: skip
def test_own_table_to_a_tool(tmp_path, capsys, tool, ours, missing):
    rows = "".join(
        f"{label.index}\t{label.name}\t{label.hemisphere}\t{label.tissue}\t1000\t{1000 + label.index}\tn/a\n"
        for label in load_scheme(ours).labels
    )
    path, out = tmp_path / f"sub-01_seg-{ours}_morph.tsv", tmp_path / "out"
    path.write_text(f"index\tname\themisphere\ttissue\tn_voxels\tvolume_mm3\ticv_percent\n{rows}")
    assert main(["--to", tool, str(path), str(out)]) == 0
    told, text = capsys.readouterr().err, out.read_text()
    assert all(name in told and f" {name}\n" not in text and f"\n{name}," not in text for name in missing)
    if tool == "cerebnet":
        assert f"601 3000 {3000 + 1 + 2 + 3:.3f} Cbm_Left_I_IV\n" in text
    else:
        assert f"Corpus Medullare,{2000 + 13 + 113:.3f}\n" in text and f"Left VI,{1005:.3f}\n" in text


def test_mappings_are_sound():
    """No two labels of a tool overlap, nor have they the same number or name."""
    for tool in TOOLS:
        labels = read_mapping(tool)
        atoms = [atom for label in labels for atom in label.atoms]
        assert len(atoms) == len(set(atoms))
        numbers = [label.index for label in labels if label.index is not None]
        assert len(numbers) == len(set(numbers))
        assert len({label.name for label in labels}) == len(labels)
        if TOOLS[tool].layout:
            assert all(label.mm3 for label in labels)


@pytest.mark.parametrize(("tool", "text", "reason"), [
    ("acapulco", "region,mm\nLeft V,3\n", "has no columns name and volume"),
    ("acapulco", "", "has no columns name and volume"),
    ("acapulco", "name,volume\nLeft V\n", "a line is short"),
    ("acapulco", "name,volume\nLeft V,3\nLeft V,4\n", "tells Left V twice"),
    ("acapulco", "name,volume\nRight IV,3\nRigt IV,4\n", "tells Rigt IV twice"),
    ("acapulco", "name,volume\nLeft V,-3\n", "which is no volume"),
    ("acapulco", "name,volume\nLeft V,inf\n", "which is no volume"),
    ("acapulco", "name,volume\nThalamus,3\n", "has none of the regions of acapulco"),
    ("cerebnet", "1 601 3 3.0 Cbm_Left_I_IV\n", "has no columns StructName"),
    ("deepceres", "Crus I right volume cm3\n1\n2\n", "has 2 rows below its first"),
    ("deepceres", "Crus I right volume cm3\n", "has 0 rows"),
    ("deepceres", "Crus I right volume cm3;ICV total volume cm3\n8.1", "its second line is short"),
    ("acapulco", f'name,volume\n"{"x" * 200000}",3\n', "is no table"),
    ("acapulco", "name,volume\nLeft V,5.1\n", "check its unit"),
    ("ceres", "Crus I right cm3;Crus I left cm3;ICV cm3\n12;12;1400000\n", "a cavity of 1.4e+09 mm3"),
])  # fmt: skip
def test_bad_tables_are_told_in_one_line(tmp_path, capsys, tool, text, reason):
    source, out = tmp_path / "in.csv", tmp_path / "out.tsv"
    source.write_text(text)
    assert main(["--from", tool, str(source), str(out)]) == 2
    said = capsys.readouterr().err
    assert reason in said and str(source) in said and said.count("\n") == 1 and not out.exists()


def test_another_unit_is_refused(tmp_path, capsys):
    source = foreign_files.acapulco(tmp_path / "in.csv", factor=1e-3)
    assert main(["--from", "acapulco", str(source), str(tmp_path / "out.tsv")]) == 2
    assert "check its unit" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "reason"), [
    (["--from", "deepceres", "in.csv", "sub-1_seg-Lobules_morph.tsv"], "is named seg-Lobules"),
    (["--from", "maget", "in.csv", "out.tsv"], "has no tables that are known here"),
    (["--from", "ceres", "in.csv", "in.csv"], "is both input and output"),
    (["--from", "ceres", "in.csv", "out.json"], "has another ending than .tsv"),
    (["--from", "ceres", "in.csv", "out.nii.gz"], "is not of the kind of the input"),
    (["--to", "ceres", "seg/sub-1_seg-Lobules_morph.tsv", "out.csv"], "is no table of volumes of one image"),
    (["--to", "acapulco", "in.csv", "out.csv"], "does not tell its label scheme"),
    (["--from", "cerebnet", "in.mgz", "out.nii.gz"], "convert it with mri_convert"),
    (["--to", "maget", "in.csv", "out.mnc"], "convert the output with mnc2nii"),
])  # fmt: skip
def test_senseless_requests(tmp_path, capsys, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seg").mkdir()
    for name in ("in.csv", "in.mgz", "seg/sub-1_seg-Lobules_morph.tsv"):
        foreign_files.ceres(tmp_path / name)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1


def test_marks_and_line_ends_of_windows(tmp_path):
    source, ours = convert(tmp_path, "ceres", "sub-01_seg-Lobules_morph.tsv")
    out, again = tmp_path / "out.csv", tmp_path / "again_seg-Lobules_morph.tsv"
    for path in (source, ours):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b";\r\n" if path == source else b"\r\n"))
    assert main(["--from", "ceres", str(source), str(again)]) == main(["--to", "ceres", str(ours), str(out)]) == 0
    assert volumes(again)["Left X"] == 12000 and read_foreign(out, "ceres")[0]["X left cm3"].mm3 == 12000


def test_decimal_commas_and_missing_cells(tmp_path):
    source = foreign_files.ceres(tmp_path / "in.csv")
    source.write_text(source.read_text().replace("\n1;", "\n1,5;").replace(";12;12;", ";;12;"))
    assert main(["--from", "ceres", str(source), str(tmp_path / "out.tsv")]) == 0
    found = volumes(tmp_path / "out.tsv")
    assert found["Right I-II"] == 1500 and "Right X" not in found and found["Left X"] == 12000 and "X" not in found


@pytest.mark.parametrize("tool", list(LAYOUTS))
def test_damaged_tables_never_crash(tmp_path, capsys, tool):
    """Whatever is cut or changed in a table, it is either converted or refused in one line."""
    whole = getattr(foreign_files, tool)(tmp_path / LAYOUTS[tool]).read_bytes()
    rng, codes = np.random.default_rng(0), set()
    for _ in range(40):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.choice([9, 10, 32, 44, 45, 59, 65, 200])
        (tmp_path / "in.csv").write_bytes(damaged)
        codes.add(main(["--from", tool, str(tmp_path / "in.csv"), str(tmp_path / "out.tsv")]))
        assert "Traceback" not in capsys.readouterr().err
    assert codes <= {0, 2} and 2 in codes
