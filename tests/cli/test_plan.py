"""What a run tells before it begins."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.names import sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.cli import plan
from cerebbids.cli.plan import output_paths
from cerebbids.cli.run import main
from cerebbids.config import RunConfig
from cerebbids.files import write_text
from tests.corrected import BY_HAND, corrected


def test_dry_run_shows_outputs_and_makes_nothing(dataset, capsys):
    for name in ("space", "tse"):
        shutil.copy(dataset.source("02"), dataset.raw / f"sub-02/anat/sub-02_acq-{name}_T2w.nii.gz")
    assert main(dataset.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "sub-01_T1w.nii.gz" in shown and "sub-02_acq-space_T2w.nii.gz (first of 2)" in shown
    assert "sub-01_seg-Lobules_dseg.nii.gz" in shown
    assert not dataset.out.exists() and not dataset.work.exists()


def test_dry_run_says_which_images_were_corrected_by_hand(dataset, capsys):
    corrected(dataset, "01")
    assert main(dataset.arguments("--dry-run")) == 0
    shown = capsys.readouterr().out
    assert f"sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: {BY_HAND}" in shown and "none: was corrected" in shown
    assert "sub-02_seg-Lobules_dseg.nii.gz" in shown


def test_dry_run_reads_no_label_map(dataset, capsys):
    write_text(dataset.path("01", "dseg"), "not an image")
    write_text(sidecar_path(dataset.path("01", "dseg")), '{"CerebBIDS": {"labels_sha256": "of other voxels"}}')
    assert main(dataset.arguments("--dry-run")) == 0
    said = capsys.readouterr()
    assert "sub-01_seg-Lobules_dseg.nii.gz" in said.out and "by hand" not in said.out + said.err


def test_dry_run_says_which_images_would_make_nothing(dataset, capsys):
    shutil.copy(dataset.source("02"), dataset.raw / "sub-02/anat/sub-02_T2w.nii.gz")
    assert main(dataset.arguments("--dry-run", "--t2w", "real")) == 0
    shown = capsys.readouterr().out
    assert "none: has no T2w image of its session" in shown
    assert "sub-02_seg-Lobules_dseg.nii.gz" in shown and "sub-01_seg-Lobules_dseg.nii.gz" not in shown


@pytest.mark.parametrize(
    ("options", "code", "line"),
    [
        (["--participant-label", "99"], 2, "--participant-label 99: is not in the dataset; the dataset has"),
        (["--models-dir", "."], 127, "model.toml"),
        (["--method", "atlas", "--library", "."], 2, ": holds no library (no library.toml); make one with"),
        (["--device", "cuda:99"], 2, "--device cuda:99: torch sees"),
    ],
)
def test_request_that_cannot_be_fulfilled_ends_with_one_line(dataset, options, code, line, capsys):
    assert main(dataset.arguments(*options)) == code
    err = capsys.readouterr().err
    assert line in err and len(err.splitlines()) == 1
    assert not list(dataset.out.parent.glob("out/*"))


def test_output_that_cannot_be_written_is_named(dataset, capsys):
    work = str(dataset.work)
    assert main([str(dataset.raw), "/proc/out", "participant", "-w", work]) == 2  # not even root may write there
    assert "/proc/out: cannot be written to" in capsys.readouterr().err


def test_names_of_folders_are_no_markup(dataset, capsys):
    arguments = [str(dataset.out / "[red]o[/x]") if each == str(dataset.out) else each for each in dataset.arguments()]
    assert main([*arguments, "--dry-run"]) == 0
    assert "[red]o[/x]" in capsys.readouterr().out.replace("\n", "")


def test_what_nobody_has_thought_of_is_a_defect_of_the_program(dataset, monkeypatch, capsys):
    monkeypatch.setattr(plan, "select_images", lambda _: 1 / 0)
    assert main(dataset.arguments("--dry-run")) == 70
    *trace, last = capsys.readouterr().err.splitlines()
    assert last == "cerebbids: ZeroDivisionError: division by zero; report this as a bug" and "Traceback" in trace[0]


def test_program_runs_as_a_module():
    command = [sys.executable, "-m", "cerebbids", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("cerebbids ")


def test_plan_lists_no_file_that_the_choices_do_not_yield():
    image = SourceImage(Path("/d/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")
    plain = RunConfig(Path("/d"), Path("/o"), Path("/w"))
    default, fast, probable = (
        {path.name for path in output_paths(image, config)}
        for config in (plain, replace(plain, method="fast"), replace(plain, save_probabilities=True))
    )
    of_library = {
        "sub-1_space-MNI152NLin2009aSym_seg-Lobules_res-0p5mm_desc-atlas_dseg.nii.gz",
        "sub-1_desc-atlas_dseg.svg",
    }
    of_cascade = {"sub-1_seg-LobulesVermis_dseg.nii.gz", "sub-1_seg-LobulesVermis_morph.tsv"}
    assert default - fast == of_cascade | of_library
    assert probable - default == {"sub-1_seg-Lobules_probseg.nii.gz"} and fast <= default <= probable
