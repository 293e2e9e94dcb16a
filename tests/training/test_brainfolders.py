import json
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage, UsageError
from cerebbids.imaging.along import box_along, mask_onto_box, onto_box
from cerebbids.inference.inputs import standardise_inside
from cerebbids.inference.wholebrain import MARGIN, SPACING
from cerebbids.training import neonates
from cerebbids.training.brainfolders import read_cases
from cerebbids.training.scans import labels_onto_box
from cerebbids.training.supervision import UNLABELLED

from .blobs import CEREBELLUM, write, write_brain

SMALL = {"spacing": 1.0, "size": 0.3}


def change(path: Path, name: str, values) -> None:
    """Write another image in place of one beside a T1w image, on its grid or on one that is cut."""
    like = nib.load(path)
    write(path.with_name(path.name.replace("T1w", name)), values(np.asarray(like.dataobj)), like.affine)


@pytest.mark.parametrize("spacing", [1.0, 0.7, 1.3])
def test_images_are_those_that_the_app_shows(tmp_path: Path, spacing: float):
    t1w = nib.load(write_brain(tmp_path, "isointense", "sub-01", spacing, 0.3))
    inside = np.asarray(t1w.dataobj) > 0
    box = box_along(t1w, inside, SPACING, MARGIN)
    shown = standardise_inside(onto_box(t1w, box), mask_onto_box(inside, t1w.affine, box))
    (case,) = read_cases("isointense", tmp_path)
    assert np.array_equal(case.images[0], shown) and case.images.shape == (2, *box.shape)
    assert case.labels.shape == box.shape and {*np.unique(case.labels).tolist()} == {0, 1, 2, 3}
    assert not case.labels[shown == 0].any() and math.isnan(case.weeks) and case.id == "sub-01"


@pytest.mark.parametrize("codes", ["LIP", "PSR", "ASL"])
@pytest.mark.parametrize("system", ["isointense", "neonatal"])
def test_orientation_does_not_matter(tmp_path: Path, system: str, codes: str):
    write_brain(tmp_path, system, "sub-01", **SMALL)
    write_brain(tmp_path, system, "sub-02", **SMALL, codes=codes)
    first, second = read_cases(system, tmp_path)
    assert np.allclose(first.images, second.images, atol=1e-3) and np.array_equal(first.labels, second.labels)
    if system == "neonatal":
        lies = np.argwhere(first.labels == neonates.CEREBELLUM).mean(0) - (np.array(first.labels.shape) - 1) / 2
        assert np.array_equal(np.sign(lies), np.sign(CEREBELLUM))


def test_what_is_shown_and_has_no_class_is_outside_of_the_brain(tmp_path: Path):
    t1w = write_brain(tmp_path, "neonatal", "sub-01", **SMALL)
    (before,) = read_cases("neonatal", tmp_path)
    labels = t1w.with_name("sub-01_seg-DrawEM9_dseg.nii.gz")
    values = np.asarray(nib.load(labels).dataobj)
    write(labels, np.where(values == neonates.CSF, 0, values), nib.load(labels).affine)
    (after,) = read_cases("neonatal", tmp_path)
    changed = np.where(before.labels == neonates.CSF, neonates.OUTSIDE, before.labels)
    assert np.array_equal(after.labels, changed)


def test_slices_that_nobody_has_labelled_stay_so(tmp_path: Path):
    t1w = write_brain(tmp_path, "neonatal", "sub-01", **SMALL)
    labels = t1w.with_name("sub-01_seg-DrawEM9_dseg.nii.gz")
    values = np.asarray(nib.load(labels).dataobj).copy()
    values[..., ::2] = UNLABELLED
    write(labels, values, nib.load(labels).affine)
    (case,) = read_cases("neonatal", tmp_path)
    unknown = (case.labels == UNLABELLED).any((0, 1))
    first = int(unknown.argmax())
    assert unknown[first : first + 20 : 2].all() and not unknown[first + 1 : first + 20 : 2].any()
    assert not (case.labels[case.images[0] == 0] == UNLABELLED).any()


@pytest.mark.parametrize(("spacing", "known"), [(0.5, 0.33), (0.7, 0.37), (1.0, 0.33), (1.2, 0.35), (3.0, 0.33)])
def test_slices_that_somebody_has_labelled_are_known_and_no_others(spacing: float, known: float):
    """Every third one is labelled."""
    shape = (round(24 / spacing),) * 3
    labels = np.full(shape, UNLABELLED, np.uint8)
    labels[: shape[0] // 2, :, ::3], labels[shape[0] // 2 :, :, ::3] = 2, 3
    image = nib.Nifti1Image(labels.astype(np.float32), np.diag([spacing] * 3 + [1]))
    found = labels_onto_box(labels, labels >= 0, image.affine, box_along(image, labels >= 0, 1.0, 0.0))
    assert (found != UNLABELLED).mean() == pytest.approx(known, abs=0.05)
    assert set(np.unique(found[:11])) <= {2, UNLABELLED} and set(np.unique(found[13:])) <= {3, UNLABELLED}


def test_a_head_is_none_the_more_a_brain_for_slices_without_labels(tmp_path: Path):
    t1w = write_brain(tmp_path, "neonatal", "sub-01", **SMALL)
    labels = t1w.with_name("sub-01_seg-DrawEM9_dseg.nii.gz")
    values, affine = np.asarray(nib.load(labels).dataobj), nib.load(labels).affine
    values = np.where(values == neonates.DEEP, values, 0).astype(np.uint8)
    values[..., ::2] = UNLABELLED
    write(labels, values, affine)
    with pytest.raises(BadImage, match=r"shows a brain, by its labels, in \d %"):
        read_cases("neonatal", tmp_path)


@pytest.mark.parametrize(("spacing", "thick"), [(1.0, 1), (0.5, 2), (0.4, 3)])
def test_a_layer_of_a_voxel_stays_whole(spacing: float, thick: int):
    shape = (round(24 / spacing),) * 3
    labels, inside = np.full(shape, 3, np.uint8), np.ones(shape, bool)
    labels[:, :, round(10 / spacing) : round(10 / spacing) + thick] = 1
    image = nib.Nifti1Image(labels.astype(np.float32), np.diag([spacing] * 3 + [1]))
    box = box_along(image, inside, 1.0, 0.0)
    found = labels_onto_box(labels, inside, image.affine, box)
    layer = (found == 1).any((0, 1))
    assert (found[:, :, layer] == 1).all() and layer.sum() == 1


def test_a_brain_without_t2w_or_labels_is_refused(tmp_path: Path):
    t1w = write_brain(tmp_path, "isointense", "sub-01", **SMALL)
    with pytest.raises(UsageError, match="has no labels; put sub-01_seg-DrawEM9_dseg.nii.gz beside it"):
        read_cases("neonatal", tmp_path)
    t1w.with_name("sub-01_T2w.nii.gz").unlink()
    with pytest.raises(UsageError, match="sub-01_T1w.nii.gz: has no T2w image beside it"):
        read_cases("isointense", tmp_path)


def as_bids_numbers(t1w: np.ndarray) -> np.ndarray:
    """Grey matter 1, white matter 2, fluid 3, by brightness."""
    return np.where(t1w > 0, np.select([t1w > 460, t1w > 325], [1, 2], 3), 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("seg-BrainTissue_dseg", lambda t1w: np.full(t1w.shape, 7, np.uint8) * (t1w > 0), r"than 0 to 3 \(7\)"),
        ("seg-BrainTissue_dseg", lambda t1w: np.where(t1w > 500, 255, 1).astype(np.uint8), r"than 0 to 3 \(255\)"),
        ("seg-BrainTissue_dseg", lambda t1w: (t1w == 0).astype(np.uint8), "labels nothing of what sub-01_T1w"),
        ("seg-BrainTissue_dseg", lambda t1w: (t1w > 900).astype(np.uint8), "shows a brain, by its labels, in"),
        ("seg-BrainTissue_dseg", as_bids_numbers, r"calls fluid \(1\) what is brighter in sub-01_T1w.nii.gz than grey"),
        ("seg-BrainTissue_dseg", lambda t1w: (t1w[1:] > 0).astype(np.uint8), "is not on the grid of sub-01_T1w"),
        ("T2w", lambda t1w: t1w[1:], "is not on the grid of sub-01_T1w"),
        ("T2w", lambda t1w: np.full_like(t1w, 4), "all the same"),
        ("T1w", lambda t1w: t1w + 1, "is no bare brain; set everything around the brain to 0"),
    ],
)
def test_images_that_will_not_do_are_refused(tmp_path: Path, name: str, values, reason: str):
    t1w = write_brain(tmp_path, "isointense", "sub-01", **SMALL)
    change(t1w, name, values)
    with pytest.raises(BadImage, match=reason):
        read_cases("isointense", tmp_path)


def tell_age(folder: Path, age: str, about: dict[str, str]) -> None:
    (folder / "participants.tsv").write_text(f"participant_id\tage\nsub-01\t{age}\n", encoding="utf-8")
    (folder / "participants.json").write_text(json.dumps({"age": about}), encoding="utf-8")


def test_ages_are_postmenstrual_weeks(tmp_path: Path):
    write_brain(tmp_path, "neonatal", "sub-01", **SMALL)
    tell_age(tmp_path, "36.5", {"Units": "weeks", "Description": "Postmenstrual age at the scan"})
    (case,) = read_cases("neonatal", tmp_path, ages=True)
    assert case.weeks == pytest.approx(36.5, abs=0.01)


@pytest.mark.parametrize(
    ("age", "about", "reason"),
    [
        ("n/a", {"Units": "weeks", "Description": "Postmenstrual age"}, "not known for sure .no age in participants"),
        ("36", {}, "not known for sure"),
        (
            "52",
            {"Units": "weeks", "Description": "Postmenstrual age"},
            "is of 52 postmenstrual weeks .*, not of 24 to 50",
        ),
        (
            "3",
            {"Units": "weeks", "Description": "Age since birth"},
            "birth at term, at 40 weeks, was taken for granted",
        ),
    ],
)
def test_ages_that_are_not_sure_are_refused(tmp_path: Path, age: str, about: dict[str, str], reason: str):
    write_brain(tmp_path, "neonatal", "sub-01", **SMALL)
    tell_age(tmp_path, age, about)
    with pytest.raises(UsageError, match=reason):
        read_cases("neonatal", tmp_path, ages=True)
