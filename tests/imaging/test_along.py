import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from cerebbids.imaging.along import box_along, from_box, mask_onto_box, onto_box


def turned(image: nib.Nifti1Image, codes: str) -> nib.Nifti1Image:
    change = ornt_transform(io_orientation(image.affine), axcodes2ornt(codes))
    data = nib.orientations.apply_orientation(np.asarray(image.dataobj), change)
    return nib.Nifti1Image(data, image.affine @ inv_ornt_aff(change, image.shape))


def blob(zooms: tuple[float, float, float], oblique: float = 0.0) -> nib.Nifti1Image:
    """An asymmetric body: a ball with a thorn to the right, another and longer one to the front."""
    affine = np.diag([*zooms, 1.0])
    cos, sin = np.cos(oblique), np.sin(oblique)
    affine[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ affine[:3, :3]
    shape = tuple(round(60 / zoom) for zoom in zooms)
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2 + (3, -2, 5)
    x, y, z = np.moveaxis(nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1)), -1, 0)
    body = (x**2 + y**2 + z**2 < 144) | ((abs(y) < 4) & (abs(z) < 4) & (x > 0) & (x < 18))
    body |= (abs(x) < 4) & (abs(z) < 4) & (y > 0) & (y < 22)
    return nib.Nifti1Image(body.astype(np.float32), affine)


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPI", "ASR", "PIL"])
def test_voxels_of_the_wanted_size_are_taken_as_they_are(codes: str):
    image = turned(blob((0.8, 0.8, 0.8)), codes)
    values = nib.Nifti1Image(np.random.default_rng(0).random(image.shape, np.float32), image.affine)
    inside = np.asarray(image.dataobj) > 0
    box = box_along(values, inside, 0.8, 4.0)
    assert nib.aff2axcodes(box.affine) == ("R", "A", "S")
    seen = onto_box(values, box)
    assert {*np.unique(seen).tolist()} <= {0.0, *np.unique(values.dataobj).tolist()}
    back = from_box(seen[None], box, values.shape, values.affine)
    assert np.array_equal(back.shares[0][inside[back.part]], np.asarray(values.dataobj)[inside])


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAL"])
@pytest.mark.parametrize("zooms", [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.2, 0.7, 1.0)])
def test_a_body_comes_back_where_it_was(codes: str, zooms: tuple[float, float, float]):
    image = turned(blob(zooms, oblique=0.2), codes)
    inside = np.asarray(image.dataobj) > 0
    box = box_along(image, inside, 0.8, 4.0)
    seen = mask_onto_box(inside, image.affine, box)
    back = from_box(seen[None].astype(np.float32), box, image.shape, image.affine)
    found = np.zeros(image.shape, bool)
    found[back.part] = back.shares[0] > 0.5
    assert 2 * (found & inside).sum() / (found.sum() + inside.sum()) > 0.96
    for at in range(3):
        places = [np.argwhere(mask)[:, at].mean() for mask in (found, inside)]
        assert abs(places[0] - places[1]) < 0.06


def test_the_box_lies_in_the_world_where_the_body_does():
    image = blob((1.0, 1.0, 1.0))
    box = box_along(image, np.asarray(image.dataobj) > 0, 0.8, 0.0)
    found = nib.affines.apply_affine(box.affine, np.argwhere(onto_box(image, box) > 0.5))
    assert np.allclose(
        found.mean(0), nib.affines.apply_affine(image.affine, np.argwhere(image.dataobj)).mean(0), atol=0.1
    )
    low = nib.affines.apply_affine(box.affine, (-0.5, -0.5, -0.5))
    assert np.allclose(low, nib.affines.apply_affine(image.affine, np.argwhere(image.dataobj).min(0) - 0.5))


def test_a_mask_at_the_end_of_the_image_has_its_margin_nevertheless():
    image = nib.Nifti1Image(np.ones((10, 10, 10), np.float32), np.diag([0.8, 0.8, 0.8, 1]))
    box = box_along(image, np.ones((10, 10, 10), bool), 0.8, 1.6)
    seen = onto_box(image, box)
    assert box.shape == (14, 14, 14) and seen.sum() == 1000 and seen[2:12, 2:12, 2:12].all()
