from __future__ import annotations

import gzip
import warnings

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage
from cerebbids.imaging.conform import check_image, conform
from cerebbids.imaging.reading import open_image

from .phantoms import blobs, oblique

GRID = oblique((2.0, 2.2, 2.4), (40, -50, 900))
SHAPE = (36, 40, 32)


@pytest.fixture
def image() -> nib.Nifti1Image:
    return blobs(SHAPE, GRID)


def save(image: nib.Nifti1Image, folder, name: str = "sub-01_T1w.nii.gz"):
    nib.save(image, folder / name)
    return folder / name


def test_the_grid_of_the_file_and_a_known_brightness(tmp_path, image):
    path = save(image, tmp_path)
    found = conform(path).image
    values = np.asarray(found.dataobj)
    assert found.shape == SHAPE
    assert values.dtype == np.float32
    assert (found.affine == nib.load(path).affine).all()
    assert np.percentile(values[values > 0], 99.5) == pytest.approx(1000, rel=1e-3)
    assert np.corrcoef(values.ravel(), image.get_fdata().ravel())[0, 1] > 0.9999


def test_a_last_axis_of_one_is_dropped(tmp_path, image):
    path = save(nib.Nifti1Image(image.get_fdata()[..., None], GRID), tmp_path)
    assert conform(path).image.shape == SHAPE


def test_the_sform_wins_and_the_qform_stands_in(tmp_path, image):
    other = oblique((2.0, 2.2, 2.4), (0, 0, 0))
    image.set_qform(other, code=1)
    assert np.allclose(conform(save(image, tmp_path)).image.affine, GRID, atol=1e-3)
    image.set_sform(None, code=0)
    assert np.allclose(conform(save(image, tmp_path)).image.affine, other, atol=1e-3)


def test_nan_infinity_and_small_negatives_become_zero(tmp_path, image):
    data = image.get_fdata()
    data[3, 4, 5], data[4, 4, 5], data[5, 4, 5] = np.nan, np.inf, -0.01
    values = np.asarray(conform(save(nib.Nifti1Image(data, GRID), tmp_path)).image.dataobj)
    assert not values[3:6, 4, 5].any()
    assert np.isfinite(values).all()


def test_an_image_centred_on_its_mean_keeps_its_dark_half(tmp_path, image):
    data = image.get_fdata()
    inside = data > 0
    centred = np.where(inside, data - data[inside].mean(), 0)
    values = np.asarray(conform(save(nib.Nifti1Image(centred, GRID), tmp_path)).image.dataobj)
    assert np.corrcoef(values[inside], data[inside])[0, 1] > 0.9999


def test_padding_and_a_wild_voxel_do_not_set_the_scale(tmp_path, image):
    data = image.get_fdata()
    inside = data > 0
    centred = np.where(inside, data - data[inside].mean(), 0)
    centred[:, :2], centred[18, 20, 16] = -32768, -1e6
    found = conform(save(nib.Nifti1Image(centred, GRID), tmp_path)).image
    values = np.asarray(found.dataobj)
    inside[:, :2] = inside[18, 20, 16] = False
    assert not values[:, :2].any() and values[18, 20, 16] == 0
    assert np.corrcoef(values[inside], data[inside])[0, 1] > 0.9999
    assert values[inside].std() > 100


def test_an_image_that_is_never_above_zero_is_refused(tmp_path):
    data = np.zeros(SHAPE)
    data[5:8, 5, 5] = -1, -2, -3
    path = save(nib.Nifti1Image(data, GRID), tmp_path)
    with pytest.raises(BadImage, match="nothing brighter than 0") as caught:
        conform(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("scale", [1e-40, 1e-33, 1e30, 1e36])
def test_any_scale_that_a_file_can_have(tmp_path, image, scale):
    values = np.asarray(conform(save(nib.Nifti1Image(image.get_fdata() * scale, GRID), tmp_path)).image.dataobj)
    assert np.percentile(values[values > 0], 99.5) == pytest.approx(1000, rel=1e-3)
    assert np.corrcoef(values.ravel(), image.get_fdata().ravel())[0, 1] > 0.999


def test_wild_voxels_overflow_nothing(tmp_path, image):
    data = image.get_fdata()
    inside = data > 0
    data = np.where(inside, data - data[inside].mean(), 0)
    data[10, 10, 10], data[11, 10, 10], data[12, 10, 10] = 3e38, -3e38, 1e300
    inside[10:13, 10, 10] = False
    with warnings.catch_warnings(action="error"):
        values = np.asarray(conform(save(nib.Nifti1Image(data, GRID), tmp_path)).image.dataobj)
    assert np.isfinite(values).all() and values.max() == 1e6 == values[10, 10, 10]
    assert values[11, 10, 10] == 0 == values[12, 10, 10]
    assert np.corrcoef(values[inside], image.get_fdata()[inside])[0, 1] > 0.9999


def test_numbers_of_a_noise_of_all_sizes_overflow_nothing(tmp_path):
    exponents = np.random.default_rng(0).integers(-38, 39, SHAPE).astype(float)
    data = np.random.default_rng(1).normal(size=SHAPE) * 10**exponents
    values = np.asarray(conform(save(nib.Nifti1Image(data, GRID), tmp_path)).image.dataobj)
    assert np.isfinite(values).all() and values.min() >= 0


@pytest.mark.parametrize(("size", "shape"), [(3.0, (20, 40, 40)), (0.3, (200, 210, 201))])
def test_sizes_at_their_limits_are_accepted_on_turned_grids(tmp_path, size, shape):
    data = np.random.default_rng(0).integers(0, 99, shape).astype(np.uint8)
    for turn in ((0.4, -0.3, 0.2), (1.1, 0.7, -2.0)):
        affine = nib.affines.from_matvec(nib.eulerangles.euler2mat(*turn) * size, (5, 6, 7))
        open_image(save(nib.Nifti1Image(data, affine), tmp_path, "limit_T1w.nii"))


@pytest.mark.parametrize("only_qform", [False, True])
def test_second_version_of_the_format_on_a_grid_turned_by_almost_half_a_turn(tmp_path, only_qform):
    turn = nib.eulerangles.euler2mat(1e-6, 1e-6, 1e-6)[:, [0, 2, 1]] * (-1, 1, -1)  # w is 0 but for its rounding
    affine = nib.affines.from_matvec(turn @ np.diag([2.75, 2.875, 2.75]), (1, 2, 3))
    image = nib.Nifti2Image(blobs(SHAPE, affine).get_fdata(), affine)
    image.set_qform(affine, 1)
    if only_qform:
        image.set_sform(None, 0)
    found = conform(save(image, tmp_path)).image
    assert found.header["magic"] == b"n+1"
    np.testing.assert_allclose(found.header.get_qform(), affine, atol=1e-3)
    np.testing.assert_allclose(found.affine, affine, atol=1e-5)


def test_missing_values_are_told(tmp_path, image):
    data = image.get_fdata()
    data[:, 0] = np.nan
    found = conform(save(nib.Nifti1Image(data, GRID), tmp_path))
    assert found.warnings == ("2.5 % of the voxels are NaN or infinite; they count as 0.",)
    assert conform(save(image, tmp_path)).warnings == ()


def test_both_forms_and_the_voxel_size_say_the_affine_that_was_used(tmp_path, image):
    moved = GRID.copy()
    moved[0, 3] += 20
    image.set_sform(GRID, code=2)
    image.set_qform(moved, code=1)
    image.header["pixdim"][1:4] = 1
    path = save(image, tmp_path)
    found = conform(path)
    header = found.image.header
    assert (found.image.affine == nib.load(path).affine).all()
    assert (header["qform_code"], header["sform_code"]) == (1, 1)
    np.testing.assert_array_equal(header.get_sform(), nib.load(path).affine)
    np.testing.assert_allclose(header.get_qform(), GRID, atol=1e-3)
    np.testing.assert_allclose(header.get_zooms(), (2.0, 2.2, 2.4), rtol=1e-5)
    forms, sizes = found.warnings
    assert "qform and sform differ by " in forms
    assert sizes.startswith("The header's voxel size is 1 x 1 x 1 mm, its affine's 2 x 2.2 x 2.4 mm")


def test_a_shifted_qform_is_told_in_millimetres(tmp_path, image):
    moved = GRID.copy()
    moved[0, 3] += 20
    image.set_qform(moved, code=1)
    assert conform(save(image, tmp_path)).warnings == ("qform and sform differ by 20 mm; the sform was used.",)


def test_a_qform_that_is_no_rotation_is_told(tmp_path, image):
    image.set_qform(GRID, code=1)
    for name in ("quatern_b", "quatern_c", "quatern_d"):
        image.header[name] = 1
    found = conform(save(image, tmp_path))
    assert found.warnings == ("The qform is not a rotation; the sform was used.",)
    np.testing.assert_allclose(found.image.header.get_qform(), GRID, atol=1e-3)


def test_scaled_integers_are_read_with_their_slope(tmp_path, image):
    scaled = nib.Nifti1Image(image.get_fdata(), GRID)
    scaled.set_data_dtype(np.int16)
    values = np.asarray(conform(save(scaled, tmp_path)).image.dataobj)
    assert np.corrcoef(values.ravel(), image.get_fdata().ravel())[0, 1] > 0.9999


def test_moderate_shear_is_accepted(tmp_path, image):
    shear = np.eye(4)
    shear[0, 1] = 0.1
    sheared = nib.Nifti1Image(image.get_fdata(), shear @ GRID)
    found = conform(save(sheared, tmp_path)).image
    assert np.allclose(found.affine, shear @ GRID, atol=1e-3)
    assert found.header["qform_code"] == 0  # it would say another grid


def _with_affine(affine: np.ndarray) -> nib.Nifti1Image:
    header = nib.Nifti1Header()
    header.set_data_shape(SHAPE)
    header.set_sform(affine, code=1)
    return nib.Nifti1Image(blobs(SHAPE, np.eye(4)).get_fdata(), None, header)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (nib.Nifti1Image(np.ones((36, 40, 32, 2)), GRID), "not 3D"),
        (nib.Nifti1Image(np.ones(SHAPE), GRID), "same value everywhere"),
        (nib.Nifti1Image(np.full(SHAPE, np.nan), GRID), "no finite value"),
        (nib.Nifti1Image(np.ones(SHAPE, np.complex64), GRID), "not plain numbers"),
        (nib.Nifti1Image(np.ones(SHAPE), None), "which side is left"),
        (_with_affine(np.diag([2.0, 2, 0, 1])), "singular"),
        (_with_affine(np.diag([2.0, 2, np.nan, 1])), "singular"),
        (_with_affine(np.array([[2.0, 1, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])), "right angles"),
        (nib.Nifti1Image(np.ones(SHAPE), np.diag([0.2, 1, 1, 1])), "voxels of 0.2 x 1 x 1 mm"),
        (nib.Nifti1Image(np.ones(SHAPE), np.diag([1.0, 1, 4, 1])), "voxels of 1 x 1 x 4 mm"),
        (nib.Nifti1Image(np.ones(SHAPE), np.diag([1.0, 1, 1, 1])), "field of view under 60 mm"),
        (nib.Nifti1Image(np.ones((400, 24, 24), np.int8), np.diag([2.6, 2.6, 2.6, 1])), "field of view over 1000 mm"),
    ],
)
def test_bad_images_are_named_with_their_reason(tmp_path, bad, reason):
    path = save(bad, tmp_path)
    with pytest.raises(BadImage, match=reason) as caught:
        check_image(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_empty_foreign_and_truncated_files(tmp_path, image):
    path = save(image, tmp_path)
    with pytest.raises(BadImage, match="does not exist"):
        check_image(tmp_path / "none.nii.gz")
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(BadImage, match="is empty"):
        check_image(path)
    path.write_bytes(b"not an image at all")
    with pytest.raises(BadImage, match="not a NIfTI image"):
        check_image(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadImage, match="truncated or damaged"):
        check_image(path)
    bare = tmp_path / "sub-01_T1w.nii"
    bare.write_bytes(gzip.decompress(whole)[:-5000])
    with pytest.raises(BadImage, match="truncated or damaged"):
        check_image(bare)


def test_a_format_that_is_not_nifti(tmp_path, image):
    nib.save(nib.MGHImage(image.get_fdata(dtype=np.float32), GRID), tmp_path / "sub-01_T1w.mgz")
    with pytest.raises(BadImage, match="not a NIfTI image"):
        check_image(tmp_path / "sub-01_T1w.mgz")
