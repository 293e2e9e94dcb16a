import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from cerebbids.cli.train import main
from cerebbids.data.labels import load_scheme
from cerebbids.errors import BadImage, UsageError
from cerebbids.inference.library import read_library
from cerebbids.systems.grid import CEREBELLUM_1MM as GRID
from cerebbids.training import ownlibrary
from cerebbids.training.ownlibrary import BRIGHT, check_labels, labelled_images, member
from tests.inference.phantoms import TO_MNI, left_handed, world_of

SCHEME = load_scheme("Lobules")
PLACES = {index: (np.array([-45.0 + 7 * (k % 13), -60, -50]), 3.0) for k, index in enumerate(SCHEME.indices[:13])}
PLACES |= {index: (np.array([-45.0 + 7 * (k % 13), -75, -30]), 4.0) for k, index in enumerate(SCHEME.indices[13:])}
"""A ball of every label: where in the working space, and its radius, mm."""


def labels_at(world: np.ndarray) -> np.ndarray:
    found = np.zeros(world.shape[:-1], np.uint8)
    for index, (centre, radius) in PLACES.items():
        found[np.linalg.norm(world - centre, axis=-1) < radius] = index
    return found


@pytest.fixture(scope="module")
def image() -> nib.Nifti1Image:
    """Labels on an oblique and left-handed grid, whose way to the template is known."""
    shape = (150, 130, 140)
    centre = nib.affines.apply_affine(np.linalg.inv(TO_MNI), [0, -65, -40])
    affine = left_handed((0.9, 0.9, 0.9), shape, centre)
    return nib.Nifti1Image(labels_at(nib.affines.apply_affine(TO_MNI, world_of(shape, affine))), affine)


@pytest.fixture
def pair(image: nib.Nifti1Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A labelled image of them."""
    monkeypatch.setattr(ownlibrary, "clean_t1w", lambda path, _threads: (nib.load(path), None))
    monkeypatch.setattr(ownlibrary, "register_to_mni", lambda *_: SimpleNamespace(t1w_to_mni=TO_MNI))
    labels, affine = np.asarray(image.dataobj), image.affine
    files = tmp_path / "images" / "sub-1" / "x_T1w.nii.gz", tmp_path / "images" / "sub-1" / "x_dseg.nii.gz"
    files[0].parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image((labels * 4 + 100.0).astype(np.float32), affine), files[0])
    nib.save(nib.Nifti1Image(labels, affine), files[1])
    return files


def test_a_member_lies_where_its_labels_are_in_the_working_space(pair):
    image, channels = member(*pair, GRID, SCHEME, 1)
    expected = labels_at(world_of(GRID.shape, GRID.affine))
    found = np.array((0, *SCHEME.indices), np.uint8)[channels]
    assert set(np.unique(found)) == {0, *SCHEME.indices}
    for index in SCHEME.indices:
        a, b = found == index, expected == index
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.85
    assert np.percentile(image[channels > 0], 95) == pytest.approx(BRIGHT, abs=2)


def test_the_command_makes_a_library_that_can_be_read(pair, tmp_path: Path):
    assert main(["library", str(tmp_path / "mine"), "--from", str(tmp_path / "images")]) == 0
    made = read_library(tmp_path / "mine", GRID, "Lobules")
    assert made.sources == ("x_T1w",) and len(made.images) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda labels: labels.slicer[:-1], "is not on the grid of its T1w image"),
        (lambda labels: nib.Nifti1Image(np.full(labels.shape, 41, np.uint8), labels.affine), "labels that are not"),
        (lambda labels: nib.Nifti1Image(np.zeros(labels.shape, np.uint8), labels.affine), "too few"),
    ],
)
def test_a_map_that_does_not_fit_is_named(pair, change, reason: str):
    labels = nib.load(pair[1])
    changed = change(nib.Nifti1Image(np.asarray(labels.dataobj), labels.affine))
    nib.save(changed, pair[1])
    with pytest.raises(BadImage, match=reason) as error:
        check_labels(*pair, SCHEME)
    assert error.value.subject == str(pair[1])


def test_a_map_beside_the_cerebellum_is_named(pair, monkeypatch: pytest.MonkeyPatch):
    far = SimpleNamespace(t1w_to_mni=nib.affines.from_matvec(np.eye(3), [900, 0, 0]))
    monkeypatch.setattr(ownlibrary, "register_to_mni", lambda *_: far)
    with pytest.raises(BadImage, match="x_dseg.nii.gz: has no label in the cerebellum"):
        member(*pair, GRID, SCHEME, 1)


def test_the_command_needs_nothing_that_only_training_needs():
    blocked = "import sys; sys.modules['monai'] = sys.modules['tqdm'] = None; import cerebbids.training.ownlibrary"
    subprocess.run([sys.executable, "-c", blocked + ", cerebbids.cli.train"], check=True)


def test_maps_are_found_with_their_images(tmp_path: Path):
    (tmp_path / "anat").mkdir()
    for name in (
        "a_T1w.nii", "a_dseg.nii.gz", "b_desc-preproc_T1w.nii.gz", "b_seg-Lobules_dseg.nii.gz",
        "b_seg-DeepCERES_dseg.nii.gz", "b_space-MNI152NLin2009aSym_seg-Lobules_res-1_dseg.nii.gz",
    ):  # fmt: skip
        (tmp_path / "anat" / name).touch()
    found = [(t1w.name, dseg.name) for t1w, dseg in labelled_images(tmp_path)]
    assert found == [("a_T1w.nii", "a_dseg.nii.gz"), ("b_desc-preproc_T1w.nii.gz", "b_seg-Lobules_dseg.nii.gz")]


def test_a_map_without_image_and_an_empty_folder_are_named(tmp_path: Path):
    with pytest.raises(UsageError, match="has no .*_dseg.nii.gz"):
        list(labelled_images(tmp_path))
    (tmp_path / "c_dseg.nii.gz").touch()
    with pytest.raises(UsageError, match="c_dseg.nii.gz: has no T1w image beside it; put c_T1w.nii.gz"):
        list(labelled_images(tmp_path))
