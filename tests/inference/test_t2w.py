import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.imaging.t2contrast import T2W_MEANS, render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.t2w import real_t2w, synthetic_t2w
from cerebbids.systems.grid import Grid

from .phantoms import TO_MNI, left_handed, world_of

GRID = Grid((-10.0, -8.0, -9.0), (44, 32, 36), 0.5)
SHAPE = (30, 34, 38)
AFFINE = left_handed((0.9, 0.9, 0.9), SHAPE, nib.affines.apply_affine(np.linalg.inv(TO_MNI), [0, 0, 0]))


def tissue_at(place: np.ndarray) -> np.ndarray:
    """Fluid, grey matter, white matter (0, 1, 2) as slanting slabs, 6 mm thick."""
    x, y, _ = np.moveaxis(place, -1, 0)
    return np.clip(np.floor((x + 0.3 * y + 9) / 6), 0, 2).astype(int)


def t1w() -> np.ndarray:
    return np.array(TARGETS, np.float32)[tissue_at(world_of(GRID.shape, GRID.affine))]


def scan(*brightness: float) -> nib.Nifti1Image:
    """T2w scan in a world of its own."""
    tissue = tissue_at(world_of(SHAPE, TO_MNI @ AFFINE))
    return nib.Nifti1Image(np.array(brightness, np.float32)[tissue], AFFINE)


def test_tissues_of_a_real_scan_come_to_their_brightness_at_their_place():
    everywhere = np.ones(GRID.shape, bool)
    found = real_t2w(scan(900, 400, 310), TO_MNI, t1w(), everywhere, GRID)
    assert found.shape == GRID.shape and found.dtype == np.float32
    place = world_of(GRID.shape, GRID.affine)
    near = (place[..., 0] + 0.3 * place[..., 1] + 9) / 6 % 1
    pure = (np.abs(near - 0.5) < 0.25) & (np.abs(place) < 6).all(-1)
    for tissue, target in enumerate(T2W_MEANS):
        here = found[pure & (tissue_at(place) == tissue)]
        assert len(here) > 200 and np.abs(here - target).mean() < 0.03 * target


@pytest.mark.parametrize("brightness", [(300, 400, 500), (900, 300, 400), (300, 500, 200)])
def test_a_scan_whose_tissues_are_in_another_order_is_no_t2w(brightness: tuple[float, ...]):
    with pytest.raises(ValueError, match="fluid, grey and white matter at "):
        real_t2w(scan(*brightness), TO_MNI, t1w(), np.ones(GRID.shape, bool), GRID)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # medians of nothing
def test_a_scan_that_does_not_reach_is_refused():
    with pytest.raises(ValueError, match="fluid, grey and white"):
        real_t2w(scan(900, 400, 310), TO_MNI, t1w(), np.zeros(GRID.shape, bool), GRID)


class Recorder(torch.nn.Module):
    """Answers with a fifth more than it was shown, which it keeps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shown = x[0, 0].numpy().copy()
        return 1.2 * x


def test_a_synthetic_image_is_made_from_the_standardised_brain_and_is_black_where_there_is_none():
    net, image = Recorder(), t1w()
    inside = np.zeros(GRID.shape, bool)
    inside[4:-4, 4:-4, 4:-4] = True
    image[~inside] = 0
    made = synthetic_t2w(net, image, inside, torch.device("cpu"))
    assert set(np.unique(net.shown[inside])) == {-2, 0, 2}  # fluid, grey, white matter
    expected = render_t2w(TARGETS[1] + 1.2 * (image - TARGETS[1]), TARGETS)
    np.testing.assert_allclose(made[inside], expected[inside], rtol=1e-4)
    assert not made[~inside].any()
