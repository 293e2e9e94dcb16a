import tracemalloc
from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.errors import BadImage
from cerebbids.imaging.labelmaps import check_grid, is_changed, is_plain, labels_sha256, read_labels, save_labels
from tests.imaging.phantoms import oblique

SHAPE = (36, 40, 32)
GRID = oblique((2.0, 2.2, 2.4), (40, -50, 90))
LOBULES = load_scheme("Lobules")


@pytest.fixture
def scan(tmp_path: Path) -> nib.Nifti1Image:
    image = nib.Nifti1Image(np.ones(SHAPE, np.float32), GRID)
    image.set_sform(GRID, 1)
    nib.save(image, tmp_path / "T1w.nii.gz")
    return nib.load(tmp_path / "T1w.nii.gz")


def some_labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:9, 6:12, 7] = 6
    labels[20:25, 6:12, 7] = 113
    return labels


def test_hash_is_that_of_the_bytes_in_c_order():
    labels = some_labels()
    assert labels_sha256(labels) == sha256(labels.tobytes(order="C")).hexdigest()
    labels[5, 6, 7] = 5
    assert labels_sha256(labels) != labels_sha256(some_labels())


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_whole_numbers_of_any_type_are_read(dtype, scan, tmp_path):
    nib.save(nib.Nifti1Image(some_labels().astype(dtype), GRID), tmp_path / "dseg.nii.gz")
    read = read_labels(tmp_path / "dseg.nii.gz", LOBULES, scan)
    assert read.dtype == np.uint8 and is_plain(nib.load(tmp_path / "dseg.nii.gz")) == (dtype == np.uint8)
    np.testing.assert_array_equal(read, some_labels())
    assert not is_changed(tmp_path / "dseg.nii.gz", labels_sha256(some_labels()))
    assert is_changed(tmp_path / "dseg.nii.gz", labels_sha256(some_labels()[::-1]))


@pytest.mark.parametrize("side", [31, 45])
def test_map_of_a_cut_out_is_read_again(side, tmp_path):
    image = nib.Nifti1Image(np.ones((side, side, side), np.float32), np.eye(4))
    nib.save(image, tmp_path / "T1w.nii.gz")
    labels = np.zeros(image.shape, np.uint8)
    labels[9:20, 9:20, 9:20] = 2
    path = tmp_path / "dseg.nii.gz"
    save_labels(labels, image, path)
    read = read_labels(path, load_scheme("CerebellumTissue"), nib.load(tmp_path / "T1w.nii.gz"))
    np.testing.assert_array_equal(read, labels)
    assert not is_changed(path, labels_sha256(labels)) and is_changed(path, labels_sha256(labels[::-1]))


def test_scaled_map_is_read_but_is_not_plain(scan, tmp_path):
    image = nib.Nifti1Image(2 * some_labels(), GRID)
    image.header.set_slope_inter(0.5, 0)
    nib.save(image, tmp_path / "dseg.nii.gz")
    assert not is_plain(nib.load(tmp_path / "dseg.nii.gz"))
    assert not is_changed(tmp_path / "dseg.nii.gz", labels_sha256(some_labels()))
    np.testing.assert_array_equal(read_labels(tmp_path / "dseg.nii.gz", LOBULES, scan), some_labels())


def test_hash_of_a_map_as_it_is_stored_takes_no_floating_point_numbers(tmp_path):
    labels = np.zeros((200, 200, 200), np.uint8)
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "dseg.nii.gz")
    noted = labels_sha256(labels)
    tracemalloc.start()
    assert not is_changed(tmp_path / "dseg.nii.gz", noted)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * labels.size  # those alone would take 4


@pytest.mark.parametrize(
    ("value", "told"), [(1.5, r"\(1.5\)"), (42, r"\(42\)"), (-1, r"\(-1\)"), (262, r"\(262\)"), (np.nan, r"\(nan\)")]
)
def test_values_without_a_meaning_are_named(value, told, scan, tmp_path):
    labels = some_labels().astype(np.float32)
    labels[0, 0, :2] = value
    nib.save(nib.Nifti1Image(labels, GRID), tmp_path / "dseg.nii.gz")
    with pytest.raises(BadImage, match=f"no labels of seg-Lobules {told}; give these voxels 0, or one of seg-Lobules"):
        read_labels(tmp_path / "dseg.nii.gz", LOBULES, scan)


def test_grid_may_differ_by_what_is_lost_in_a_header_and_by_no_more(scan, tmp_path):
    for shift, fits in ((5e-4, True), (0.05, False)):
        moved = GRID.copy()
        moved[1, 3] += shift
        image = nib.Nifti1Image(some_labels(), moved)
        if fits:
            check_grid(tmp_path / "dseg.nii.gz", image, scan)
        else:
            with pytest.raises(BadImage, match="dseg.nii.gz: is not on the grid of T1w.nii.gz; save it on that grid"):
                check_grid(tmp_path / "dseg.nii.gz", image, scan)


def test_saved_map_is_plain_and_on_the_grid_of_its_image(scan, tmp_path):
    save_labels(some_labels().astype(np.int64), scan, tmp_path / "dseg.nii.gz")
    saved = nib.load(tmp_path / "dseg.nii.gz")
    assert is_plain(saved) and int(saved.header["sform_code"]) == 1
    np.testing.assert_array_equal(saved.affine, scan.affine)
    np.testing.assert_array_equal(np.asarray(saved.dataobj), some_labels())
