"""Datasets of many shapes, their images empty placeholders: which images a run would take, and what it says."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from cerebbids.bids.query import select_images
from cerebbids.cli.run import main
from cerebbids.config import RunConfig
from tests.datasets import make_dataset


@dataclass(frozen=True)
class Shape:
    """Files of a dataset, below its root, and stems of the images that are to be found in it.

    ``refused``: images that must not be worked on; ``missing``: participants who have none.
    """

    files: tuple[str, ...]
    stems: tuple[str, ...]
    refused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def session(subject: str, *names: str, ses: str = "", kind: str = "anat", end: str = ".nii.gz") -> tuple[str, ...]:
    """Files of one session; a name is what follows participant and session."""
    folder = f"sub-{subject}/" + (f"ses-{ses}/" if ses else "")
    stem = f"sub-{subject}_" + (f"ses-{ses}_" if ses else "")
    return tuple(f"{folder}{kind}/{stem}{name}{end}" for name in names)


SHAPES = {
    "one image each": Shape((*session("01", "T1w"), *session("02", "T1w")), ("sub-01", "sub-02")),
    "several sessions": Shape(
        (*session("01", "T1w", ses="pre"), *session("01", "T1w", ses="post"), *session("02", "T1w", ses="pre")),
        ("sub-01_ses-post", "sub-01_ses-pre", "sub-02_ses-pre"),
    ),
    "some with sessions": Shape((*session("01", "T1w"), *session("02", "T1w", ses="a")), ("sub-01", "sub-02_ses-a")),
    "several runs, inherited sidecars": Shape(
        ("T1w.json", "sub-01/sub-01_T1w.json", *session("01", "run-1_T1w", "run-2_T1w")),
        ("sub-01_run-1", "sub-01_run-2"),
    ),
    "runs with and without zeros": Shape(
        session("01", "run-01_T1w", "run-2_T1w", "run-10_T1w"), ("sub-01_run-01", "sub-01_run-10", "sub-01_run-2")
    ),
    "acquisitions, contrast agents, reconstructions": Shape(
        session("01", "acq-mprage_T1w", "ce-gd_T1w", "acq-mprage_rec-norm_run-1_T1w"),
        ("sub-01_acq-mprage", "sub-01_acq-mprage_rec-norm_run-1", "sub-01_ce-gd"),
    ),
    "parts": Shape(
        session("01", "part-mag_T1w", "part-phase_T1w", "part-real_T1w", "part-imag_T1w"), ("sub-01_part-mag",)
    ),
    "MP2RAGE": Shape(session("01", "inv-1_MP2RAGE", "inv-2_MP2RAGE", "UNIT1", "T1map"), ()),
    "MP2RAGE and T1w": Shape((*session("01", "UNIT1", "T1w"), *session("02", "UNIT1")), ("sub-01",), missing=("02",)),
    "no anatomical images": Shape(session("01", "task-rest_bold", kind="func"), ()),
    "PET with anatomy": Shape(
        (*session("01", "trc-fdg_pet", ses="a", kind="pet"), *session("01", "T1w", ses="a")), ("sub-01_ses-a",)
    ),
    "PET without anatomy": Shape(session("01", "trc-fdg_pet", kind="pet"), ()),
    "T2w alone": Shape(session("01", "T2w", "FLAIR"), ()),
    "what is no T1w image": Shape(
        session("01", "T1w", "T1map", "R1map", "T1rho", "mod-T1w_defacemask", "PDT2"), ("sub-01",)
    ),
    "uncompressed": Shape(session("01", "T1w", end=".nii"), ("sub-01",)),
    "Analyze": Shape((*session("01", "T1w", end=".img"), *session("01", "T1w", end=".hdr")), ()),
    "labels that differ by zeros": Shape(
        (*session("1", "T1w"), *session("01", "T1w"), *session("001", "T1w")), ("sub-001", "sub-01", "sub-1")
    ),
    "derivatives, source data and code inside": Shape(
        (
            *session("01", "T1w"),
            *(f"{root}/{name}" for root in ("derivatives/fmriprep", "sourcedata", "code", "derivatives")
              for name in session("01", "desc-preproc_T1w", "T1w")),
        ),
        ("sub-01",),
    ),
    "phenotypes and stimuli": Shape(
        (*session("01", "T1w"), "phenotype/test.tsv", "stimuli/sub-01/anat/sub-01_T1w.nii.gz"), ("sub-01",)
    ),
    "an image outside of anat": Shape(
        ("sub-01/sub-01_T1w.nii.gz", *session("02", "T1w")), ("sub-02",), missing=("01",)
    ),
    "labels with letters that BIDS does not allow": Shape(
        (*session("müller", "T1w"), *session("m", "T1w"), *session("a-b", "T1w"), *session("03", "acq-a_b_T1w", "T1w")),
        ("sub-03", "sub-m"),
        refused=("sub-03/anat/sub-03_acq-a_b", "sub-müller/anat/sub-müller"),
        missing=("a-b",),
    ),
    "an image of somebody else": Shape(
        ("sub-01/anat/sub-02_T1w.nii.gz", *session("02", "T1w")), ("sub-02",), refused=("sub-01/anat/sub-02",)
    ),
    "hidden and temporary files": Shape(
        (*session("01", "T1w"), "sub-01/anat/.sub-01_T1w.nii.gz", "sub-01/anat/._sub-01_T1w.nii.gz",
         "sub-01/anat/sub-01_T1w.nii.gz~", "sub-01/.git/anat/sub-01_T1w.nii.gz"),
        ("sub-01",),
    ),
}  # fmt: skip


def lay(root: Path, shape: Shape) -> Path:
    """Make a dataset whose files are all empty."""
    make_dataset(root)
    for name in shape.files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def files(root: Path) -> set[Path]:
    """Everything below a folder."""
    return set(root.rglob("*"))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("root", ["data", "größe 1/Дата set"])
def test_the_plan_lists_every_image_and_no_other(name: str, root: str, tmp_path: Path, capsys):
    shape = SHAPES[name]
    raw = lay(tmp_path / root, shape)
    before = files(tmp_path)
    code = main([*map(str, (raw, tmp_path / "out", "participant", "-w", tmp_path / "work")), "--dry-run"])
    said = capsys.readouterr()
    assert files(tmp_path) == before
    if not shape.stems:
        assert code == 2 and len(said.err.splitlines()) == 1 and "has no T1w image" in said.err
        return
    assert code == 0
    selection = select_images(RunConfig(raw, tmp_path / "out", tmp_path / "work"))
    assert tuple(image.stem for image in selection.images) == shape.stems
    assert tuple(error.subject.removeprefix("sub-") for error in selection.missing) == shape.missing
    assert len(selection.refused) == len(shape.refused)
    assert said.out.count("none: is empty") == len(shape.stems)
    for told in (*(f"{stem}_T1w.nii" for stem in shape.stems), *shape.refused):
        assert told in said.out


def test_images_and_folders_may_be_links_and_one_that_leads_nowhere_is_told(tmp_path: Path, capsys):
    raw = lay(tmp_path / "data", Shape(session("01", "T1w"), ()))
    store = lay(tmp_path / "store", Shape((*session("02", "T1w"), "annex/key.nii.gz"), ()))
    (raw / "sub-02").symlink_to(store / "sub-02")
    for subject, target in (("03", store / "annex" / "key.nii.gz"), ("04", store / "annex" / "dropped.nii.gz")):
        (raw / f"sub-{subject}" / "anat").mkdir(parents=True)
        (raw / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz").symlink_to(target)
    selection = select_images(RunConfig(raw, tmp_path / "out", tmp_path / "work"))
    assert [image.stem for image in selection.images] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert main([*map(str, (raw, tmp_path / "out", "participant", "-w", tmp_path / "work")), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("none: is empty") == 3 and shown.count("none: does not exist") == 1


def test_a_dataset_that_nobody_may_write_to_will_do(tmp_path: Path):
    raw = lay(tmp_path / "data", SHAPES["several sessions"])
    for path in sorted(files(raw), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    raw.chmod(0o555)
    before = {path: os.stat(path).st_mtime_ns for path in files(raw)}
    assert main([*map(str, (raw, tmp_path / "out", "participant", "-w", tmp_path / "work")), "--dry-run"]) == 0
    assert {path: os.stat(path).st_mtime_ns for path in files(raw)} == before
