"""How results were made: which are mixed, and which do not belong together."""

import json
from pathlib import Path

import pytest

from cerebbids.bids.found import beside_labels
from cerebbids.bids.names import GROUP_QC, SCHEMES, group_table, sidecar_path
from cerebbids.cli.group import run_group
from cerebbids.cli.making import Making, making_of, mixtures_of
from cerebbids.cli.recount import recount
from cerebbids.config import RunConfig
from tests.datasets import make_dataset
from tests.finished import NAMES, correct, path
from tests.groups import FIVE, MADE, MAPS, METRICS, folders, put, read, tell

LIBRARY = {"sha256": "0123456789abcdef", "members": 3}
OTHER = {
    "version": "9",
    "model": "other",
    "weights_sha256": "abc",
    "method": "fast",
    "flip": True,
    "library": {"sha256": "fedcba98"},
    "sloppy": True,
}


def alike(root: Path, **facts):
    """Folders with five images that were made alike, and the labels of the third."""
    config = folders(root, *FIVE)
    labels = [put(config.output_dir, name, made=MADE | {"library": LIBRARY} | facts) for name in FIVE]
    return config, labels[2]


@pytest.mark.parametrize(
    ("key", "plural", "most", "one"),
    [
        ("version", "versions", "1.0.2", "9"),
        ("model", "models", "net 1+abc", "other"),
        ("method", "methods", "nets", "fast"),
        ("flip", "choices of --flip", "no", "yes"),
        ("library", "libraries", "01234567", "fedcba98"),
        ("sloppy", "choices of --sloppy", "no", "yes"),
    ],
)
def test_results_of_several_kinds_are_told(tmp_path, key, plural, most, one, capsys):
    config, _ = alike(tmp_path)
    put(config.output_dir, FIVE[3], made=MADE | {"library": LIBRARY} | {key: OTHER[key]})
    assert run_group(config) == 0
    said = capsys.readouterr().err
    told = f"holds results of 2 {plural} ({most}: 4 images, {one}: 1)"
    assert said.count("\n") == 1 and told in said
    assert told in (config.output_dir / "group.html").read_text()
    cells = read(config.output_dir, GROUP_QC)[key].astype(str).tolist()
    assert cells.count({"yes": "True"}.get(one, one)) == 1 and cells.index(cells[3]) == 3


def test_what_older_versions_do_not_tell_makes_no_mixture():
    assert making_of({"flip": False, "sloppy": False, "library": None}) == making_of({}) == Making()
    assert mixtures_of([Making(library="01234567"), Making()]) == ()


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        *(("morph", fact) for fact in OTHER),
        *((key, "method") for pair in MAPS.items() for key in (pair[0], pair[1][0])),
    ],
)
def test_files_of_a_run_that_was_ended_are_told_from_those_of_the_one_before(tmp_path, key, fact, capsys):
    config, labels = alike(tmp_path)
    tell(beside_labels(labels, key), **{fact: OTHER[fact]})
    assert run_group(config) == 1
    spoilt = [table for table, (of_map, _) in MAPS.items() if key in (table, of_map, "dseg")]
    lines = [line for line in capsys.readouterr().err.splitlines() if "holds results" not in line]
    for line, table in zip(lines, spoilt, strict=True):
        assert line.startswith(f"{beside_labels(labels, table)}: was made with other weights or options than ")
        assert line.endswith("; run cerebbids again on this image")
    row = read(config.output_dir, GROUP_QC).set_index("image").loc["sub-3"]
    assert row["state"] == "damaged" and "other weights or options" in row["reason"]
    for scheme in SCHEMES:
        images = set(read(config.output_dir, group_table(scheme))["image"])
        assert ("sub-3" in images) is (scheme not in [MAPS[table][1] for table in spoilt])


def test_table_without_the_sidecar_that_a_run_writes_after_it_is_of_a_run_that_was_ended(tmp_path):
    config, labels = alike(tmp_path)
    sidecar_path(beside_labels(labels, "morph")).unlink()
    assert run_group(config) == 1
    assert "sub-3" not in set(read(config.output_dir, group_table("Lobules"))["image"])


def test_quality_of_other_labels_is_not_that_of_these(tmp_path, capsys):
    config, labels = alike(tmp_path, warnings=[])
    assert run_group(config) == 0
    capsys.readouterr()
    tell(labels, warnings=["The cerebellum lies in 2 pieces."])
    assert run_group(config) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{beside_labels(labels, 'qc')}: has other flags than the sidecar of ")
    row = read(config.output_dir, GROUP_QC).set_index("image", drop=False).loc["sub-3"]
    assert row["state"] == "damaged" and row.isna()["light"]


@pytest.mark.parametrize("key", ["dseg", "carved_fine"])
def test_labels_that_were_corrected_by_hand_are_told(tmp_path, key):
    config, labels = alike(tmp_path)
    label_map = beside_labels(labels, key)
    if not sidecar_path(label_map).exists():
        sidecar_path(label_map).write_text(json.dumps({"CerebBIDS": MADE}))
    tell(label_map, corrected=True)
    assert run_group(config) == 0
    assert read(config.output_dir, GROUP_QC)["corrected"].tolist() == [False, False, True, False, False]
    described = json.loads((config.output_dir / "group_qc.json").read_text())
    assert set(described["corrected"]["Levels"]) == {"true", "false"}
    assert (config.output_dir / "group.html").read_text().count("<td>yes</td>") == 1


def test_labels_that_were_corrected_and_counted_again_are_of_one_kind(out, tmp_path, capsys):
    correct(path(out, "01", "dseg"))
    recount(out, "sub-01")
    assert run_group(RunConfig(make_dataset(tmp_path / "raw", *NAMES.values()), out, tmp_path / "work")) == 0
    assert capsys.readouterr().err == ""
    assert read(out, GROUP_QC)["corrected"].tolist() == [True, False]


def test_quality_has_no_number_with_the_name_of_a_column(tmp_path):
    names = (
        "participant_id",
        "image",
        "state",
        "reason",
        "version",
        "corrected",
        "library",
        "Description",
        "CerebBIDS",
    )
    config, _ = alike(tmp_path)
    metrics = METRICS | {name: 7 for name in (*names, "a\tb", "", "new_number")}
    put(config.output_dir, FIVE[0], made=MADE | {"library": LIBRARY}, metrics=metrics)
    assert run_group(config) == 0
    rows = read(config.output_dir, GROUP_QC)
    first = rows.loc[0, ["participant_id", "image", "state", "version", "corrected", "new_number"]]
    assert first.tolist() == ["sub-1", "sub-1", "done", "1.0.2", False, 7]
    assert len(set(rows.columns)) == len(rows.columns) and "a" not in rows and "Description" not in rows
    described = json.loads((config.output_dir / "group_qc.json").read_text())
    assert {*described} - {"Description", "CerebBIDS"} == {*rows.columns}
    assert described["Description"].startswith("Quality of all images")


def test_nothing_is_written_where_something_cannot_be_made(tmp_path, monkeypatch):
    config, _ = alike(tmp_path)

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr("cerebbids.cli.group.group_page", fail)
    with pytest.raises(RuntimeError):
        run_group(config)
    assert not list(config.output_dir.glob("*.tsv")) and not list(config.output_dir.glob("group*"))
