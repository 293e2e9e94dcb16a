import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import sidecar_path
from cerebbids.cli.records import Record
from cerebbids.cli.tables import main
from tests.datasets import make_dataset
from tests.finished import NAMES, RUN, contents, correct, path, save, sidecar_of, voxels


def test_help_loads_nothing_heavy():
    heavy = ("numpy", "nibabel", "torch", "nipype", "matplotlib", "rich", "bids")
    code = (
        "import sys; from cerebbids.cli.tables import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: cerebbids-tables" in done.stdout and "heavy: []" in done.stdout


def test_untouched_folder_gives_the_same_files(untouched, capsys):
    out, before = untouched, contents(untouched)
    assert main([str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == "2 done, 0 failed\n" and "by hand" not in said.err
    after = contents(out)
    shown = {out / "sub-01.html", out / "sub-02.html"}
    shown |= {path(out, subject, key) for subject in NAMES for key in ("report", "carved_report")}
    assert {file for file in before if after[file] != before[file]} == shown  # which have pictures now
    drawn = ("figure_dseg", "figure_carved", "figure_morph", "figure_flat", "snapshot", "carved_snapshot")
    new = {path(out, subject, key) for subject in NAMES for key in drawn}
    assert after.keys() - before.keys() == new
    assert json.loads(path(out, "01", "qc").read_text())["snr"] == 17  # though the scan is no file of the folder


def shifted(file: Path) -> None:
    moved = nib.load(file).affine.copy()
    moved[0, 3] += 1
    save(file, voxels(file), moved)


def cropped(file: Path) -> None:
    save(file, voxels(file)[:-1])


def interpolated(file: Path) -> None:
    save(file, voxels(file).astype(np.float32) * 0.9)


def unknown(file: Path) -> None:
    labels = voxels(file).copy()
    labels[labels == 6] = 42
    save(file, labels)


def emptied(file: Path) -> None:
    save(file, np.zeros_like(voxels(file)))


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


SPOILT = {
    shifted: "is not on the grid of ",
    cropped: "is not on the grid of ",
    interpolated: "has values that are no labels of seg-{scheme} (0.9, 1.8, 2.7, 3.6, 4.5, ...)",
    unknown: "has values that are no labels of seg-{scheme} (42)",
    emptied: "has no label",
    cut_short: "is truncated or damaged",
}
"""What spoils a map, and what is said of it."""


@pytest.mark.parametrize(
    ("spoil", "key"),
    [*((spoil, key) for spoil in SPOILT for key in ("dseg", "carved_fine", "vermis")), (Path.unlink, "carved_fine")],
)
def test_map_that_will_not_do_is_refused_and_others_go_on(out, spoil, key, capsys):
    file = path(out, "01", key)
    spoil(file)
    correct(path(out, "02", "dseg"))
    before = contents(out / "sub-01")
    assert main([str(out)]) == 1
    said = capsys.readouterr()
    (line,) = (line for line in said.err.splitlines() if str(file) in line)
    scheme = {"dseg": "Lobules", "carved_fine": "DeepCERES", "vermis": "LobulesVermis"}[key]
    reason = SPOILT.get(spoil, "does not exist").format(scheme=scheme)
    assert line.startswith(f"{file}: {reason}") and "; " in line
    assert said.out.startswith("1 done, 1 failed: sub-01 (")
    assert contents(out / "sub-01") == before
    assert sidecar_of(out, "02", "dseg")["CerebBIDS"]["corrected"]


@pytest.mark.parametrize("key", ["t1w", "superres", "icv", "dseg_mni"])
def test_damaged_image_is_told_before_anything_is_made(out, key, capsys):
    file = path(out, "01", key)
    cut_short(file)
    correct(path(out, "01", "dseg"))
    before = contents(out / "sub-01")
    assert main([str(out)]) == 1
    said = capsys.readouterr()
    assert f"{file}: is truncated or damaged" in said.err and said.out.startswith("1 done, 1 failed: sub-01 (")
    assert contents(out / "sub-01") == before


@pytest.mark.parametrize("key", ["dseg_mni", "carved_mni"])
def test_map_changed_in_template_space_is_refused(out, key, capsys):
    file = path(out, "01", key)
    if key == "carved_mni":  # which the other tests do without
        shutil.copy(path(out, "01", "carved_fine"), file)
        shutil.copy(sidecar_path(path(out, "01", "carved_fine")), sidecar_path(file))
    assert main([str(out)]) == 0
    for changed in (file, path(out, "01", "dseg"), path(out, "02", "dseg")):
        correct(changed)
    before = contents(out / "sub-01")
    assert main([str(out)]) == 1
    said = capsys.readouterr()
    (line,) = (line for line in said.err.splitlines() if str(file) in line)
    assert line.startswith(f"{file}: was changed by hand, but corrections count on the image's own grid only; ")
    assert said.out.splitlines()[-1].startswith("1 done, 1 failed: sub-01 (was changed by hand")
    assert contents(out / "sub-01") == before and sidecar_of(out, "02", "dseg")["CerebBIDS"]["corrected"]


def test_grid_is_that_of_the_map_s_own_image(out, capsys):
    shifted(path(out, "01", "carved_fine"))
    shifted(path(out, "02", "carved"))
    assert main([str(out)]) == 1
    said = capsys.readouterr().err
    assert f"grid of {path(out, '01', 'superres').name}; save it" in said
    assert f"grid of {path(out, '02', 't1w').name}; save it" in said


@pytest.mark.parametrize("broken", ["{", '{"CerebBIDS": {"version": "0.3"}}'])
def test_sidecar_that_does_not_tell_enough_is_told_in_one_line(out, broken, capsys):
    sidecar_path(path(out, "01", "dseg")).write_text(broken)
    assert main([str(out)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("1 done, 1 failed: sub-01 (")
    (line,) = (line for line in said.err.splitlines() if "sub-01_seg-Lobules_dseg.json" in line)
    assert line.endswith("run cerebbids again on this image")


def test_page_is_made_from_the_output_folder_alone(out):
    shutil.rmtree(out / "sub-01" / "log")
    assert main([str(out)]) == 0
    page = (out / "sub-01.html").read_text()
    assert "last run" not in page and "<h2>" in page and "sub-01_T1w.nii.gz" in page
    assert "last run: cerebbids 1.0 · 2026-01-02" in (out / "sub-02.html").read_text()


@pytest.mark.parametrize("reachable", [True, False])
def test_page_says_nothing_of_images_that_have_left_the_dataset(out, tmp_path, reachable):
    raw = make_dataset(tmp_path / "raw", NAMES["01"])
    gone = "sub-01/anat/sub-01_run-9_T1w.nii.gz"
    Record(gone, RUN, "is empty; copy it again").save(out)
    link = "../raw" if reachable else "../elsewhere"
    (out / "dataset_description.json").write_text(json.dumps({"DatasetLinks": {"raw": link}}))
    assert main([str(out)]) == 0
    page = (out / "sub-01.html").read_text()
    assert ("sub-01_run-9" in page) is not reachable and "last run: cerebbids 1.0" in page
    assert raw.is_dir() and "sub-01_T1w.nii.gz" in page


def test_participant_without_labels_is_told_and_the_others_are_done(out, capsys):
    assert main([str(out), "--participant-label", "sub-02", "03"]) == 1
    said = capsys.readouterr()
    assert said.out == f"1 done, 1 failed: sub-03 (has no labels in {out})\n"
    assert not path(out, "01", "figure_dseg").exists() and path(out, "02", "figure_dseg").exists()


def test_folder_without_labels_is_refused(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"cerebbids: {tmp_path}: has no labels of cerebbids; give the output")
