import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.dataset import start_dataset
from cerebbids.bids.found import beside_labels
from cerebbids.bids.names import GROUP_QC, SCHEMES, group_table, sidecar_path
from cerebbids.cli.group import run_group
from cerebbids.cli.records import Record
from cerebbids.cli.run import main
from cerebbids.imaging.labelmaps import labels_sha256
from tests.datasets import make_dataset, validator_errors
from tests.finished import NAMES, RUN, contents
from tests.groups import FIVE, MADE, MAPS, METRICS, RUNS, filled, folders, labels_of, put, read, tell

LONG = group_table("Lobules")


def test_every_image_has_its_rows_and_numbers_are_those_computed_by_hand(tmp_path, capsys):
    config = folders(tmp_path, *FIVE)
    for name, mm3 in zip(FIVE, (1.0, 2.0, 3.0, 4.0, 10.0), strict=True):
        put(config.output_dir, name, volumes={"Left VI": mm3, "Right VI": 3 * mm3})
    assert run_group(config) == 0
    assert capsys.readouterr().err == ""
    for scheme in SCHEMES:
        rows = read(config.output_dir, group_table(scheme)).query("name == 'Left VI'")
        assert rows["image"].tolist() == [Path(name).name for name in FIVE]
        assert rows["z"].tolist() == [-0.849, -0.566, -0.283, 0.0, 1.697]
        assert rows["iqr_outlier"].tolist() == [False] * 4 + [True]
        assert rows["session_id"].isna().all() and set(rows["index"]) == {5} and set(rows["hemisphere"]) == {"left"}
        uneven = read(config.output_dir, group_table(scheme, "asymmetry")).query("name == 'VI'")
        assert set(uneven["asymmetry_percent"]) == {100.0} and len(uneven) == 5
    assert "\tfalse\n" in (config.output_dir / LONG).read_text()
    assert not list(config.output_dir.glob("group_*change*")) and not list(config.output_dir.rglob("participants*"))


def test_wide_tables_have_a_row_an_image_and_a_column_a_region(tmp_path):
    config = filled(tmp_path, *RUNS, *FIVE[1:])
    put(config.output_dir, FIVE[1], cavity=None)
    run_group(config)
    wide = read(config.output_dir, group_table("Lobules", "wide"))
    shares = read(config.output_dir, group_table("Lobules", "widepercent")).set_index("image")
    assert wide["image"].tolist() == [Path(name).name for name in (*RUNS, *FIVE[1:])]
    assert wide["session_id"].tolist()[:3] == ["ses-a", "ses-a", "ses-b"] and wide["session_id"][3:].isna().all()
    assert wide["left_i_ii"].tolist()[:2] == [1000.0, 1100.0] and pd.isna(wide["intracranial_cavity"][3])
    assert shares.loc["sub-1_ses-a_run-1", "left_i_ii"] == 0.1 and pd.isna(shares.loc["sub-2", "left_i_ii"])
    described = json.loads((config.output_dir / "group_seg-Lobules_desc-wide_morph.json").read_text())
    assert described["left_i_ii"]["LongName"] == "Left I-II" and described["left_i_ii"]["Units"] == "mm^3"
    assert {*wide} == {*described} - {"Description", "CerebBIDS"}


def test_sidecars_describe_all_columns(tmp_path):
    config = filled(tmp_path, *RUNS)
    run_group(config)
    tables = [path for path in config.output_dir.glob("group_*.tsv")]
    assert len(tables) == 1 + 5 * len(SCHEMES)
    for table in tables:
        described = json.loads(sidecar_path(table).read_text())
        assert {*described} - {"Description", "CerebBIDS"} == {*read(config.output_dir, table.name)}, table.name


def test_change_is_between_images_that_are_alike_in_the_order_of_acquisition(tmp_path):
    config = filled(tmp_path, *RUNS)
    run_group(config)
    name = group_table("Lobules", "change")
    change = read(config.output_dir, name).query("name == 'Left I-II'")
    columns = ["earlier_image", "later_image", "session_order", "change_mm3", "change_percent"]
    assert change[columns].values.tolist() == [["sub-1_ses-a_run-1", "sub-1_ses-b_run-1", "name", 200.0, 20.0]]
    (config.bids_dir / "sub-1" / "sub-1_sessions.tsv").write_text(
        "session_id\tacq_time\nses-a\t2020-01-02T00:00:00\nses-b\t2020-01-01T00:00:00\n"
    )
    run_group(config)
    change = read(config.output_dir, name).query("name == 'Left I-II'")
    assert change[columns].values.tolist() == [["sub-1_ses-b_run-1", "sub-1_ses-a_run-1", "acq_time", -200.0, -16.667]]
    levels = json.loads(sidecar_path(config.output_dir / name).read_text())["session_order"]["Levels"]
    assert set(levels) == {"acq_time"}


def test_tables_that_are_no_longer_made_go(tmp_path):
    config = filled(tmp_path, *RUNS)
    run_group(config)
    assert list(config.output_dir.glob("group_*change*"))
    run_group(replace(config, session_labels=("a",)))
    assert not list(config.output_dir.glob("group_*change*"))
    assert set(read(config.output_dir, LONG)["session_id"]) == {"ses-a"}


def test_quality_tells_numbers_flags_and_what_became_of_each_image(tmp_path, capsys):
    config = folders(tmp_path, *FIVE)
    out = config.output_dir
    put(out, FIVE[0], metrics=METRICS | {"pieces": 2, "labels_missing": 1})
    put(out, FIVE[1])
    Record(f"{FIVE[1]}_T1w.nii.gz", RUN, "sub-2: was not finished; run again").save(out)
    Record(f"{FIVE[2]}_T1w.nii.gz", RUN, "sub-3: is empty; copy it again").save(out)
    Record(f"{FIVE[3]}_T1w.nii.gz", RUN, "sub-4: two images have this name; rename one", refused=True).save(out)
    Record(f"{FIVE[4]}_T1w.nii.gz", RUN).save(out)
    Record("sub-1/anat/sub-1_run-9_T1w.nii.gz", RUN, "has left the dataset since; never mind").save(out)
    assert run_group(config) == 1
    told = "5 images: 1 done, 2 failed, 1 refused, 1 removed"
    assert capsys.readouterr().out == f"{told}; {out / 'group.html'}\n"
    rows = read(out, GROUP_QC).set_index("image")
    assert rows["state"].tolist() == ["done", "failed", "failed", "refused", "removed"]
    assert rows.loc["sub-1", "light"] == "yellow"
    sentences = "Labels of the scheme that were not found: 1. The cerebellum lies in 2 pieces."
    assert rows.loc["sub-1", "flags"] == sentences
    assert rows.loc["sub-1", ["pieces", "confidence_mean", "version", "model", "method"]].tolist() == [
        2, 0.9, "1.0.2", "net 1+abc", "nets",
    ]  # fmt: skip
    assert "\t2\t" in (out / GROUP_QC).read_text() and "\t2.0\t" not in (out / GROUP_QC).read_text()
    assert rows.loc["sub-3", "reason"] == "sub-3: is empty; copy it again" and pd.isna(rows.loc["sub-3", "light"])
    assert "two images" in rows.loc["sub-4", "reason"]
    assert set(read(out, LONG)["image"]) == {"sub-1", "sub-2"}
    described = json.loads((out / "group_qc.json").read_text())
    assert described["pieces"]["Description"].startswith("pieces of the cerebellum") and described["state"]["Levels"]


def test_volumes_of_a_system_for_other_ages_are_left_out(tmp_path, capsys):
    config = filled(tmp_path, *FIVE[:2])
    told = "sub-2: is of a person of 1 month; correct the age"
    Record(f"{FIVE[1]}_T1w.nii.gz", RUN, told, wrong_age=True).save(config.output_dir)
    assert run_group(config) == 1
    assert capsys.readouterr().out.startswith("2 images: 1 done, 1 failed; ")
    rows = read(config.output_dir, GROUP_QC).set_index("image")
    assert rows.loc["sub-2", ["state", "reason"]].tolist() == ["failed", told] and pd.isna(rows.loc["sub-2", "light"])
    assert set(read(config.output_dir, LONG)["image"]) == {"sub-1"}


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:-40])


def emptied(path: Path) -> None:
    path.write_text("")


def worded(path: Path) -> None:
    path.write_text(path.read_text().replace("\tLeft VI\tleft\tGM\t", "\tLeft VI\tleft\tGM\tmany"))


def doubled(path: Path) -> None:
    path.write_text(path.read_text() * 2)


def binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        *((spoil, key) for spoil in (cut, emptied, doubled, binary, Path.unlink) for key in (*MAPS, "qc")),
        *((worded, key) for key in MAPS),
    ],
)
def test_damaged_file_is_named_with_its_mend_and_the_others_go_on(tmp_path, spoil, key, capsys):
    config = filled(tmp_path, *FIVE)
    path = beside_labels(labels_of(config.output_dir, FIVE[2]), key)
    spoil(path)
    assert run_group(config) == 1
    (line,) = capsys.readouterr().err.splitlines()
    reason = "does not exist" if spoil is Path.unlink else "is damaged"
    mend = f"make it again with cerebbids-tables {config.output_dir} --participant-label 3"
    assert line.startswith(f"{path}: {reason}") and line.endswith(mend)
    images = {scheme: set(read(config.output_dir, group_table(scheme))["image"]) for scheme in SCHEMES}
    scheme = {"morph": "Lobules", "carved_morph": "DeepCERES", "vermis_morph": "LobulesVermis"}.get(key)
    for name, found in images.items():
        assert ("sub-3" in found) is (name != scheme) and len(found) == 5 - (name == scheme)
    row = read(config.output_dir, GROUP_QC).set_index("image").loc["sub-3"]
    assert row["state"] == "damaged" and path.name in row["reason"]


def test_sidecar_that_cannot_be_read_is_told(tmp_path, capsys):
    config = filled(tmp_path, *FIVE)
    sidecar_path(labels_of(config.output_dir, FIVE[0])).write_text("{")
    assert run_group(config) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "sub-1_seg-Lobules_dseg.json cannot be read" in line


def with_labels(labels: Path, voxel: int) -> None:
    """Save a label map of one voxel, a second ago."""
    voxels = np.zeros((4, 4, 4), np.uint8)
    voxels[1, 1, 1] = voxel
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), labels)
    os.utime(labels, (labels.stat().st_atime, labels.stat().st_mtime - 1))


@pytest.mark.parametrize("how", ["saved", "moved back"])
@pytest.mark.parametrize("key", ["dseg", "carved_fine", "vermis"])
def test_labels_corrected_since_they_were_counted_are_told_and_left_out(tmp_path, key, how, capsys):
    config = filled(tmp_path, *FIVE)
    labels = labels_of(config.output_dir, FIVE[2], key)
    with_labels(labels, 4)
    corrected = labels.with_name("corrected.nii.gz")
    with_labels(corrected, 5)
    told = {"CerebBIDS": {**MADE, "labels_sha256": labels_sha256(np.asarray(nib.load(labels).dataobj))}}
    sidecar_path(labels).write_text(json.dumps(told))
    assert run_group(config) == 0 and not capsys.readouterr().err
    corrected.rename(labels) if how == "moved back" else labels.write_bytes(corrected.read_bytes())
    assert run_group(config) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{labels}: was corrected by hand after its tables were made" in line
    assert line.endswith(f"count again with cerebbids-tables {config.output_dir} --participant-label 3")
    for scheme in SCHEMES:
        assert "sub-3" not in set(read(config.output_dir, group_table(scheme))["image"])
    row = read(config.output_dir, GROUP_QC).set_index("image").loc["sub-3"]
    assert row["state"] == "damaged" and pd.isna(row["light"])


def test_labels_that_are_no_others_are_taken_whenever_they_were_copied(tmp_path, capsys):
    config = filled(tmp_path, *FIVE)
    labels = labels_of(config.output_dir, FIVE[2])
    with_labels(labels, 4)
    tell(labels, labels_sha256=labels_sha256(np.asarray(nib.load(labels).dataobj)))
    os.utime(labels, (2**31, 2**31))
    assert run_group(config) == 0 and not capsys.readouterr().err


def test_a_recount_that_was_ended_is_told(tmp_path, capsys):
    config = filled(tmp_path, *FIVE)
    tell(labels_of(config.output_dir, FIVE[0], "vermis"), labels_sha256=None)
    assert run_group(config) == 1
    assert "sub-1_seg-LobulesVermis_dseg.nii.gz: was corrected by hand" in capsys.readouterr().err


def test_image_whose_vermis_was_not_told_apart_lacks_nothing(tmp_path, capsys):
    config = folders(tmp_path, *FIVE)
    for name in FIVE:
        put(config.output_dir, name, vermis=False)
    assert run_group(config) == 0
    assert not list(config.output_dir.glob("group_seg-LobulesVermis*"))


def test_nothing_but_the_group_s_files_is_touched(tmp_path):
    config = filled(tmp_path, *RUNS)
    before = contents(config.output_dir)
    run_group(config)
    after = contents(config.output_dir)
    new = {path.name for path in after.keys() - before.keys()}
    assert all(after[path] == content for path, content in before.items())
    assert all(name.startswith("group") for name in new - {".bidsignore", "descriptions.tsv"})


def test_validator_finds_no_error_with_the_group_s_files(untouched, tmp_path):
    raw = make_dataset(tmp_path / "raw", *NAMES.values())
    for sidecar in (path for kind in ("T1w", "T2w") for path in untouched.rglob(f"*_{kind}.json")):
        # Which the run itself tells, when it has looked at the image.
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"SkullStripped": False}))
    kept = untouched.rename(tmp_path / "kept")
    start_dataset(raw, untouched, SCHEMES, models={"net": "CC0"})
    for path in kept.iterdir():
        path.rename(untouched / path.name)
    (untouched / ".bidsignore").write_text("*.html\nlogs\nlog\nfigures\n*_xfm.*\nseg-*.txt\n*_morph.*\n*_qc.*\n")
    assert main([str(raw), str(untouched), "group"]) == 0
    assert "group_*" in (untouched / ".bidsignore").read_text().split()
    assert {path.suffix for path in untouched.glob("group*")} == {".tsv", ".json", ".html"}
    assert validator_errors(untouched) == []


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from cerebbids.cli.run import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('heavy:', [m for m in ('numpy', 'pandas', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stdout
