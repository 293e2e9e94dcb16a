from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage, UsageError
from cerebbids.training.infantfolders import CUT_OUT, read_cohorts, read_infants
from cerebbids.training.infantpatches import SIDE
from cerebbids.training.scans import find_scans

SHAPE, RAS = (40, 44, 30), np.diag([0.8, 0.8, 0.8, 1])
TISSUES = np.zeros(SHAPE, np.uint8)
TISSUES[6:30, 8:36, 4:26] = 1
TISSUES[10:30, 12:32, 8:22] = 2
TISSUES[18:30, 16:28, 10:20] = 3
"""Brighter and thicker towards the right."""


def write(path: Path, values: np.ndarray, affine: np.ndarray = RAS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, affine)
    image.set_sform(affine, 1)
    nib.save(image, path)
    return path


def write_infant(folder: Path, name: str, *, t2w: bool = False, labels: str | None = "dseg") -> Path:
    """Write an infant whose T1w tells the labels and whose T2w does the opposite; return the path of its T1w."""
    place = folder / Path(*[part for part in name.split("_") if part.startswith(("sub-", "ses-"))]) / "anat"
    if t2w:
        write(place / f"{name}_T2w.nii.gz", np.where(TISSUES > 0, 400 - 100 * TISSUES.astype(np.int16), 0))
    if labels:
        write(place / f"{name}_{labels}.nii.gz", TISSUES)
    return write(place / f"{name}_T1w.nii.gz", 100 * TISSUES.astype(np.int16))


def test_images_are_found_with_and_without_sessions(tmp_path: Path):
    write_infant(tmp_path, "sub-01_ses-24m_run-1", labels="seg-CerebellumTissue_dseg")
    write_infant(tmp_path, "sub-02", t2w=True)
    (first, second) = find_scans(tmp_path, CUT_OUT.names)
    assert {first.id, second.id} == {"sub-01_ses-24m_run-1", "sub-02"}
    assert {scan.labels.name for scan in (first, second)} == {
        "sub-01_ses-24m_run-1_seg-CerebellumTissue_dseg.nii.gz", "sub-02_dseg.nii.gz",
    }  # fmt: skip
    assert {scan.id for scan in (first, second) if scan.t2w} == {"sub-02"}
    assert all(scan.labels is None for scan in find_scans(tmp_path))


def test_labels_may_lie_elsewhere_in_the_folder_and_tissues_go_before_others(tmp_path: Path):
    write_infant(tmp_path, "sub-01")  # *_dseg beside it
    better = write(tmp_path / "derivatives" / "hand" / "sub-01_seg-CerebellumTissue_dseg.nii.gz", TISSUES)
    assert find_scans(tmp_path, CUT_OUT.names)[0].labels == better
    again = write(tmp_path / "derivatives" / "other" / better.name, TISSUES)
    with pytest.raises(UsageError, match="is there 2 times"):
        find_scans(tmp_path, CUT_OUT.names)
    again.unlink()
    better.unlink()
    beside = find_scans(tmp_path, CUT_OUT.names)[0].labels
    assert beside.name == "sub-01_dseg.nii.gz"
    beside.rename(tmp_path / "derivatives" / beside.name)  # whose numbers may mean something else
    with pytest.raises(UsageError, match="has no labels"):
        find_scans(tmp_path, CUT_OUT.names)


@pytest.mark.parametrize(
    ("name", "copy", "reason"),
    [
        ("sub-01", "infant01_T1w.nii.gz", "has a name that does not begin with sub-01_"),
        ("sub-01_ses-a", "sub-01_T1w.nii.gz", "has a name that does not begin with sub-01_ses-a_"),
        ("sub-01", "sub-01_T1w.nii", "has the name of sub-01_T1w.nii"),
    ],
)
def test_names_tell_who_is_shown_and_no_two_are_the_same(tmp_path: Path, name: str, copy: str, reason: str):
    tmp_path = tmp_path / "ses-24m"  # a cohort may be called so
    t1w = write_infant(tmp_path, name)
    assert len(find_scans(tmp_path, CUT_OUT.names)) == 1
    nib.save(nib.load(t1w), t1w.with_name(copy))
    with pytest.raises(UsageError, match=reason):
        find_scans(tmp_path, CUT_OUT.names)


def test_image_and_labels_lie_on_each_other_however_the_axes_run(tmp_path: Path):
    flipped = np.diag([-0.8, 0.8, 0.8, 1])
    flipped[0, 3] = 0.8 * (SHAPE[0] - 1)
    write_infant(tmp_path, "sub-01", t2w=True)
    write_infant(tmp_path, "sub-02", t2w=True)
    for path in (tmp_path / "sub-02" / "anat").iterdir():
        write(path, np.asarray(nib.load(path).dataobj)[::-1], flipped)
    first, second = read_infants(find_scans(tmp_path, CUT_OUT.names), t2w=True)
    assert (first.id, first.person) == ("sub-01", "sub-01")
    assert np.allclose(first.images, second.images, atol=1e-3) and np.array_equal(first.labels, second.labels)
    assert first.images.shape[0] == 2 and min(first.labels.shape) >= SIDE
    t1w, t2w = ([channel[first.labels == k].mean() for k in (1, 2, 3)] for channel in first.images)
    assert t1w == sorted(t1w) and t2w == sorted(t2w, reverse=True)
    assert not first.images[:, first.labels == 0].any()
    labelled = np.pad(TISSUES[6:30, 8:36, 4:26], 8)[:, ::-1]  # to the back, as the networks' first infants lie
    assert np.array_equal(first.labels, labelled)


def test_t2w_is_used_if_every_image_has_one(tmp_path: Path):
    for cohort in ("24m", "12m"):
        write_infant(tmp_path / cohort, "sub-01", t2w=True)
    source, target = read_cohorts(tmp_path / "24m", [tmp_path / "12m"])
    assert (source.name, target.name) == ("24m", "12m")
    assert len(source.infants[0].images) == len(target.infants[0].images) == 2
    assert source.infants[0].labels is not None and target.infants[0].labels is None
    write_infant(tmp_path / "12m", "sub-02")
    assert all(len(each.images) == 1 for cohort in read_cohorts(tmp_path / "24m", [tmp_path / "12m"])
               for each in cohort.infants)  # fmt: skip


def test_cohorts_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="has the name of another one"):
        read_cohorts(tmp_path / "a" / "12m", [tmp_path / "b" / "12m"])


def test_folders_without_what_is_needed_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="is no folder"):
        find_scans(tmp_path / "none")
    with pytest.raises(UsageError, match="has no sub-"):
        find_scans(tmp_path)
    t1w = write_infant(tmp_path, "sub-01", t2w=True, labels=None)
    with pytest.raises(UsageError, match="has no labels"):
        find_scans(tmp_path, CUT_OUT.names)
    t1w.unlink()
    with pytest.raises(UsageError, match="sub-01_T2w.nii.gz: has no T1w image beside it"):
        find_scans(tmp_path)


@pytest.mark.parametrize(
    ("file", "values", "affine", "reason"),
    [
        ("dseg", TISSUES[1:], RAS, "is not on the grid of sub-01_T1w.nii.gz"),
        ("dseg", TISSUES, np.diag([0.9, 0.8, 0.8, 1]), "is not on the grid of"),
        ("T2w", TISSUES[1:], RAS, "is not on the grid of"),
        ("dseg", 2 * TISSUES, RAS, r"has other values than 0 to 3 \(4\)"),
        ("dseg", TISSUES / np.float32(2), RAS, r"has other values than 0 to 3 \(0.5\)"),
        ("dseg", 0 * TISSUES, RAS, "all the same"),
        ("T1w", 1.0 + TISSUES, RAS, "is no cut-out cerebellum"),
        ("T1w", np.where(TISSUES, np.nan, 0), RAS, "no number"),
    ],
)
def test_images_that_do_not_go_together_are_refused(tmp_path: Path, file: str, values, affine, reason: str):
    write_infant(tmp_path, "sub-01", t2w=True)
    write(tmp_path / "sub-01" / "anat" / f"sub-01_{file}.nii.gz", values, affine)
    with pytest.raises(BadImage, match=reason):
        read_infants(find_scans(tmp_path, CUT_OUT.names), t2w=True)
