import nibabel as nib
import numpy as np
import pytest

from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Box, Volume, cut

from .phantom import BALLS, LEFT_CRUS_I, RIGHT_CRUS_I, grids, phantom

VIEW = Box((-50.2, -90.2, -60.2), (49.8, -40.2, -15.2))  # no sample on a border between voxels
GRIDS = grids()


@pytest.mark.parametrize("name", [name for name in GRIDS if name != "RAS"])
@pytest.mark.parametrize("plane", [SAGITTAL, CORONAL, AXIAL], ids=lambda plane: plane.name)
def test_cut_shows_the_same_world_whatever_the_grid(name, plane):
    reference, other = (Volume.of(phantom(*GRIDS[grid])[1]) for grid in ("RAS", name))
    for centre, _, _ in BALLS.values():
        position = centre[plane.along] + 0.2
        expected, found = (cut(volume, plane, position, VIEW, 1, 0) for volume in (reference, other))
        assert expected.any()
        assert np.mean(expected != found) < 0.02  # voxel borders differ, places do not


@pytest.mark.parametrize("name", GRIDS)
def test_picture_has_left_at_left_and_top_above(name):
    labels = Volume.of(phantom(*GRIDS[name])[1])
    for plane in (SAGITTAL, CORONAL, AXIAL):
        for index, (centre, _, _) in BALLS.items():
            rows, columns = np.nonzero(cut(labels, plane, centre[plane.along], VIEW, 1, 0) == index)
            assert columns.mean() + 0.5 + VIEW.low[plane.across] == pytest.approx(centre[plane.across], abs=0.7)
            assert VIEW.high[plane.up] - rows.mean() - 0.5 == pytest.approx(centre[plane.up], abs=0.7)


def test_box_encloses_the_labels_and_nothing_else():
    for shape, affine in GRIDS.values():
        box = Volume.of(phantom(shape, affine)[1]).box()
        low = np.min([np.subtract(centre, radii) for centre, radii, _ in BALLS.values()], 0)
        high = np.max([np.add(centre, radii) for centre, radii, _ in BALLS.values()], 0)
        # A turned voxel's corners reach up to 0.9 mm beyond its centre.
        np.testing.assert_allclose(box.low, low, atol=1.5)
        np.testing.assert_allclose(box.high, high, atol=1.5)


def test_cropping_keeps_the_world():
    for shape, affine in GRIDS.values():
        whole = Volume.of(phantom(shape, affine)[1])
        part = whole.cropped()
        assert part.data.size < whole.data.size / 3
        for index in (LEFT_CRUS_I, RIGHT_CRUS_I):
            centres = [nib.affines.apply_affine(v.affine, np.argwhere(v.data == index)).mean(0) for v in (whole, part)]
            np.testing.assert_allclose(*centres)


def test_box_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="all voxels are 0"):
        Volume(np.zeros((2, 2, 2)), np.eye(4)).box()


@pytest.mark.parametrize("name", GRIDS)
def test_part_within_a_box_gives_the_same_cuts(name):
    whole = Volume.of(phantom(*GRIDS[name])[0], np.float32)
    box = Box((10.0, -66.0, -42.0), (30.0, -46.0, -26.0))
    part = whole.within(box)
    assert part.data.size < whole.data.size / 4
    for plane in (SAGITTAL, CORONAL, AXIAL):
        middle = (box.low[plane.along] + box.high[plane.along]) / 2
        for order, within in ((1, 1e-3), (3, 0.05)):
            expected, found = (cut(volume, plane, middle, box, 0.5, order) for volume in (whole, part))
            np.testing.assert_allclose(found, expected, atol=within)


def test_box_beside_the_volume_leaves_one_dark_picture():
    away = Box((500.0, 500.0, 500.0), (510.0, 510.0, 510.0))
    part = Volume.of(phantom(*GRIDS["RAS"])[0], np.float32).within(away)
    assert not cut(part, AXIAL, 505.0, away, 1.0).any()
