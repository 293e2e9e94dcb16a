from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.imaging.tissuemeans import TissueMeans
from cerebbids.inference.answer import Answer
from cerebbids.inference.imageside import ImageSide, RealT2w
from cerebbids.inference.outputs import write_atlas, write_carved, write_image_side, write_labels, write_native_t2w
from cerebbids.systems.grid import Grid

from .phantoms import TO_MNI, left_handed, world_of

GRID = Grid((-10.0, 2.0, -9.0), (40, 36, 44), 0.5)
SPOT = np.array([-3.0, 9.0, 6.0])
SHAPE = (26, 30, 28)
RADIUS = 4.0
RIGHT_VI = 18
"""Channel of label 105."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of a side that shows one spot, bright in the T1w and less so in the T2w."""
    folder = tmp_path_factory.mktemp("outputs")
    distance = np.linalg.norm(world_of(GRID.shape, GRID.affine) - SPOT, axis=-1)
    spot = (200 * np.exp(-0.5 * (distance / 1.2) ** 2)).astype(np.float32)
    centre = nib.affines.apply_affine(np.linalg.inv(TO_MNI), [0, 11, 2])
    t1w = nib.Nifti1Image(np.zeros(SHAPE, np.float32), left_handed((1.0, 1.1, 0.9), SHAPE, centre))
    t1w.set_sform(t1w.affine, 1)
    t1w.set_qform(t1w.affine, 1)
    cavity = nib.Nifti1Image(np.ones(SHAPE, np.uint8), t1w.affine)
    side = ImageSide(cavity, TissueMeans(1, 2, 3), np.zeros(70, int), spot, spot / 2, spot > 0, False, ())
    nib.save(t1w, folder / "t1w.nii")
    write_image_side(folder, side, GRID, t1w, TO_MNI)
    write_native_t2w(folder, side, GRID, t1w, TO_MNI, None)
    write_carved(folder, np.where(distance < RADIUS, RIGHT_VI, 0).astype(np.uint8), GRID, t1w, TO_MNI)
    return folder


def place_of_spot(image: nib.Nifti1Image) -> np.ndarray:
    weights = image.get_fdata()
    return (world_of(image.shape, image.affine) * weights[..., None]).sum((0, 1, 2)) / weights.sum()


@pytest.mark.parametrize("name", ["superres_mni", "t2w_mni"])
def test_fine_images_show_the_spot_in_template_space(name: str, written: Path):
    image = nib.load(written / f"{name}.nii.gz")
    np.testing.assert_allclose(image.affine, GRID.affine)
    np.testing.assert_allclose(place_of_spot(image), SPOT, atol=0.02)


@pytest.mark.parametrize("name", ["superres", "t2w"])
def test_images_in_the_world_of_the_t1w_show_it_at_the_same_place(name: str, written: Path):
    image = nib.load(written / f"{name}.nii.gz")
    np.testing.assert_allclose(nib.affines.apply_affine(TO_MNI, place_of_spot(image)), SPOT, atol=0.05)
    like = nib.load(written / "t1w.nii")
    for form in ("sform", "qform"):
        assert image.header[f"{form}_code"] == like.header[f"{form}_code"] == 1
        np.testing.assert_allclose(getattr(image, f"get_{form}")(), image.affine, atol=1e-4)


def test_the_t2w_and_the_cavity_lie_on_the_grid_of_the_t1w(written: Path):
    like = nib.load(written / "t1w.nii")
    for name in ("t2w", "icv"):
        image = nib.load(written / f"{name}.nii.gz")
        assert image.shape == like.shape
        np.testing.assert_allclose(image.affine, like.affine, atol=1e-5)


@pytest.mark.parametrize("name", ["carved", "carved_fine", "carved_mni"])
def test_labels_of_half_a_millimetre_lie_in_their_place_and_are_as_large_on_every_grid(name: str, written: Path):
    image = nib.load(written / f"{name}.nii.gz")
    assert image.get_data_dtype() == np.uint8 and set(np.unique(image.dataobj)) == {0, 105}
    to_mni = np.eye(4) if name == "carved_mni" else TO_MNI
    np.testing.assert_allclose(nib.affines.apply_affine(to_mni, place_of_spot(image)), SPOT, atol=0.05)
    mm3 = np.count_nonzero(image.dataobj) * abs(np.linalg.det((to_mni @ image.affine)[:3, :3]))
    assert mm3 == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)


@pytest.mark.parametrize(
    ("name", "other"),
    [("carved", "t1w.nii"), ("carved_fine", "superres.nii.gz"), ("carved_mni", "superres_mni.nii.gz")],
)
def test_labels_of_half_a_millimetre_lie_on_the_very_grid_of_their_image(name: str, other: str, written: Path):
    image, like = nib.load(written / f"{name}.nii.gz"), nib.load(written / other)
    assert image.shape == like.shape
    for form in ("sform", "qform"):
        assert image.header[f"{form}_code"] == like.header[f"{form}_code"]
        np.testing.assert_array_equal(getattr(image, f"get_{form}")(), getattr(like, f"get_{form}")())


def test_brightness_is_kept_to_a_fraction_of_a_unit(written: Path):
    t1w, t2w = (nib.load(written / f"{name}.nii.gz") for name in ("superres_mni", "t2w_mni"))
    assert t1w.get_data_dtype() == np.int16
    assert t1w.get_fdata().max() == pytest.approx(200, abs=1)
    np.testing.assert_allclose(t2w.get_fdata(), t1w.get_fdata() / 2, atol=1 / 8)


def test_a_real_t2w_is_written_whole_and_as_it_is(written: Path):
    t1w = nib.load(written / "t1w.nii")
    scan = nib.Nifti1Image(np.full(SHAPE, 700.0, np.float32), t1w.affine)
    nothing = np.zeros(GRID.shape, np.float32)
    side = ImageSide(None, TissueMeans(1, 2, 3), np.zeros(70, int), nothing, nothing, nothing > 0, True, ())
    write_native_t2w(written, side, GRID, t1w, TO_MNI, RealT2w(scan, TO_MNI, required=False))
    found = nib.load(written / "t2w.nii.gz")
    np.testing.assert_allclose(found.get_fdata()[3:-3, 3:-3, 3:-3], 700, atol=1)


def test_labels_that_the_fine_box_cuts_off_are_told(written: Path, tmp_path: Path):
    t1w = nib.load(written / "t1w.nii")
    cut = np.zeros(GRID.shape, np.uint8)
    cut[10:20, 10:20, :8] = RIGHT_VI
    assert write_carved(tmp_path, np.roll(cut, 1, 2), GRID, t1w, TO_MNI) == ()
    (warning,) = write_carved(tmp_path, cut, GRID, t1w, TO_MNI)
    assert "box at 0.5 mm: seg-DeepCERES may be cut off" in warning


def ball() -> Answer:
    """The spot is right lobule VI, eight tenths sure; vermis on the left of its middle."""
    distance = torch.from_numpy(np.linalg.norm(world_of(GRID.shape, GRID.affine) - SPOT, axis=-1))
    probabilities = torch.zeros(27, *GRID.shape, dtype=torch.float16)
    probabilities[RIGHT_VI], probabilities[0] = 0.8 * (distance < RADIUS), 1 - 0.8 * (distance < RADIUS).half()
    left = torch.from_numpy(world_of(GRID.shape, GRID.affine)[..., 0] < SPOT[0])
    return Answer(probabilities, GRID, left.half())


def test_labels_and_how_sure_they_are_lie_in_their_place(written: Path, tmp_path: Path):
    t1w = nib.load(written / "t1w.nii")
    told = write_labels(tmp_path, ball(), t1w, TO_MNI, save_probabilities=True)
    dseg, sure, every = (nib.load(tmp_path / f"{name}.nii.gz") for name in ("dseg", "confidence", "probseg"))
    labels, shares = np.asarray(dseg.dataobj), every.get_fdata(dtype=np.float32)
    assert set(np.unique(labels)) == {0, 105} and told.confidence["R-VI"] == pytest.approx(0.8, abs=1e-3)
    np.testing.assert_allclose(nib.affines.apply_affine(TO_MNI, place_of_spot(dseg)), SPOT, atol=0.1)
    for image in (sure, every):
        assert image.shape[:3] == t1w.shape and image.header["sform_code"] == 1
        np.testing.assert_allclose(image.affine, t1w.affine, atol=1e-5)
    assert every.shape[3] == 27 and every.get_data_dtype() == sure.get_data_dtype() == np.uint8
    np.testing.assert_allclose(shares.sum(-1), 1, atol=0.01)
    np.testing.assert_allclose(shares.max(-1), sure.get_fdata(), atol=1e-6)
    assert np.array_equal(shares.argmax(-1) == RIGHT_VI, labels == 105)
    assert sure.get_fdata()[labels == 105].max() == pytest.approx(0.8, abs=0.01)


def test_a_label_that_is_narrowly_lost_is_no_sure_background(written: Path, tmp_path: Path):
    t1w, answer = nib.load(written / "t1w.nii"), ball()
    shell = torch.from_numpy(np.linalg.norm(world_of(GRID.shape, GRID.affine) - SPOT, axis=-1))
    shell = (shell > RADIUS) & (shell < 2 * RADIUS)
    answer.probabilities[RIGHT_VI][shell], answer.probabilities[0][shell] = 0.45, 0.55
    write_labels(tmp_path, answer, t1w, TO_MNI, save_probabilities=True)
    dseg, sure, every = (nib.load(tmp_path / f"{name}.nii.gz") for name in ("dseg", "confidence", "probseg"))
    away = np.linalg.norm(nib.affines.apply_affine(TO_MNI, world_of(t1w.shape, t1w.affine)) - SPOT, axis=-1)
    lost = (away > 1.4 * RADIUS) & (away < 1.6 * RADIUS)
    assert lost.any() and not np.asarray(dseg.dataobj)[lost].any()
    np.testing.assert_allclose(sure.get_fdata()[lost], 0.55, atol=0.02)
    np.testing.assert_allclose(every.get_fdata()[lost][:, [0, RIGHT_VI]], [[0.55, 0.45]] * lost.sum(), atol=0.02)


def test_the_vermis_is_told_apart_where_networks_tell_it(written: Path, tmp_path: Path):
    t1w, answer = nib.load(written / "t1w.nii"), ball()
    write_labels(tmp_path, answer, t1w, TO_MNI)
    dseg, vermis = (np.asarray(nib.load(tmp_path / f"{name}.nii.gz").dataobj) for name in ("dseg", "vermis"))
    assert set(np.unique(vermis)) == {0, 72, 105} and np.array_equal(vermis > 0, dseg > 0)
    x = nib.affines.apply_affine(TO_MNI, world_of(t1w.shape, t1w.affine))[..., 0]
    assert x[vermis == 72].max() < SPOT[0] + 0.6 and x[vermis == 105].min() > SPOT[0] - 0.6
    (tmp_path / "other").mkdir()
    write_labels(tmp_path / "other", Answer(answer.probabilities, GRID), t1w, TO_MNI)
    assert not (tmp_path / "other" / "vermis.nii.gz").exists() and not (tmp_path / "other" / "probseg.nii.gz").exists()


def test_votes_are_labels_at_half_a_millimetre_where_they_were_cast(tmp_path: Path):
    coarse = Grid((-9.75, 2.25, -8.75), (20, 18, 22), 1.0)
    distance = torch.from_numpy(np.linalg.norm(world_of(coarse.shape, coarse.affine) - SPOT, axis=-1) < RADIUS)
    votes = torch.zeros(27, *coarse.shape)
    votes[RIGHT_VI][distance] = 1
    votes[0] = 1 - votes[RIGHT_VI]
    write_atlas(tmp_path, Answer(votes.half(), coarse), GRID)
    image = nib.load(tmp_path / "atlas_mni.nii.gz")
    labels = np.asarray(image.dataobj)
    assert image.shape == GRID.shape and np.allclose(image.affine, GRID.affine) and labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 105}
    assert np.allclose(place_of_spot(image), SPOT, atol=0.2)
    assert np.count_nonzero(labels) / 8 == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.25)
