import numpy as np
import pytest
import torch

from cerebbids.errors import BadImage
from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS, TissueMeans
from cerebbids.inference.answer import Answer
from cerebbids.inference.imageside import ImageSide
from cerebbids.inference.tissue import check_tissue, tissue_labels
from cerebbids.systems.grid import Grid

from .phantoms import world_of

LEFT_VI, RIGHT_VI = 5, 18
COARSE = Grid((-51.0, -85.0, -51.0), (96, 48, 48))
FINE = Grid((-50.25, -84.25, -50.25), (184, 88, 88), 0.5)


@pytest.fixture(scope="module")
def balls() -> tuple[torch.Tensor, np.ndarray]:
    """Probabilities of two balls of unlike size, lobules VI, and on the fine box the distance from the right one."""
    channels = np.zeros(COARSE.shape, int)
    places = world_of(COARSE.shape, COARSE.affine)
    channels[np.linalg.norm(places - (-30, -60, -30), axis=-1) < 18] = LEFT_VI
    channels[np.linalg.norm(places - (25, -70, -25), axis=-1) < 12] = RIGHT_VI
    probabilities = torch.nn.functional.one_hot(torch.from_numpy(channels), 27).permute(3, 0, 1, 2).float()
    return probabilities, np.linalg.norm(world_of(FINE.shape, FINE.affine) - (25, -70, -25), axis=-1)


def test_fluid_of_the_fine_images_is_taken_out_of_the_lobules_found_at_1_mm(balls):
    probabilities, distance = balls
    t1w, t2w = (np.where(distance < 5, means[0], means[1]).astype(np.float32) for means in (TARGETS, T2W_MEANS))
    side = ImageSide(None, TissueMeans(1, 2, 3), np.zeros(70, int), t1w, t2w, t1w > 0, False, ())
    found = tissue_labels(Answer(probabilities, COARSE), side, FINE)
    assert found.dtype == np.uint8 and found.shape == FINE.shape
    assert set(np.unique(found)) == {0, LEFT_VI, RIGHT_VI}
    assert not found[distance < 5].any()
    assert (found[(distance > 5) & (distance < 11)] == RIGHT_VI).all()
    assert np.count_nonzero(found == LEFT_VI) * 0.5**3 == pytest.approx(4 / 3 * np.pi * 18**3, rel=0.01)


def test_where_the_t2w_shows_nothing_the_t1w_decides(balls):
    probabilities, distance = balls
    t1w = np.where(distance < 5, TARGETS[0], TARGETS[1]).astype(np.float32)
    side = ImageSide(None, TissueMeans(1, 2, 3), np.zeros(70, int), t1w, np.zeros_like(t1w), t1w > 0, True, ())
    found = tissue_labels(Answer(probabilities, COARSE), side, FINE)
    assert not found[distance < 5].any()
    assert (found[(distance > 5) & (distance < 11)] == RIGHT_VI).all()


def test_a_cerebellum_that_is_mostly_dark_is_told_and_one_that_is_all_dark_refused(balls):
    probabilities, _ = balls
    tissue = np.zeros(FINE.shape, np.uint8)
    place = world_of(FINE.shape, FINE.affine)
    tissue[np.linalg.norm(place - (-30, -60, -30), axis=-1) < 18] = LEFT_VI
    whole = 4 / 3 * np.pi * (18**3 + 12**3)
    assert check_tissue(tissue, FINE, Answer(probabilities, COARSE), "a.nii.gz") == ()
    tissue[:, :, : FINE.shape[2] // 2 - 4] = 0
    share = np.count_nonzero(tissue) / 8 / whole
    assert 0.2 < share < 0.45
    (told,) = check_tissue(tissue, FINE, Answer(probabilities, COARSE), "a.nii.gz")
    assert told.startswith(f"Only {share:.0%} of the cerebellum")
    with pytest.raises(BadImage, match="a.nii.gz: shows no brain tissue"):
        check_tissue(0 * tissue, FINE, Answer(probabilities, COARSE), "a.nii.gz")
