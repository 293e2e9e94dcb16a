from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.anatomies import folded_cerebellum
from cerebbids.training.atlas import cobralab_dseg, load_template
from cerebbids.training.details import Folded
from cerebbids.training.painted import LabelledFolding, filled_lobules, load_empty_heads, named_tissues, painted_case
from cerebbids.training.pairs import Anatomy
from cerebbids.training.prepare import save_arrays


@pytest.fixture(scope="module")
def compartments(kit: Path) -> np.ndarray:
    """Of a CoBrALab map that was made coarser, for the time that it takes."""
    dseg = nib.load(cobralab_dseg(kit, 1)).slicer[::2, ::2, ::2]
    return filled_lobules(dseg, load_template(kit, CEREBELLUM_05MM.halved()))["compartments"]


def test_every_lobule_is_on_its_side(compartments: np.ndarray):
    x = CEREBELLUM_05MM.origin[0] + CEREBELLUM_05MM.spacing * np.arange(CEREBELLUM_05MM.shape[0])
    for channel in range(1, 2 * N_SIDE + 1):
        across = (compartments == channel).sum((1, 2))
        mean = (x * across).sum() / across.sum()
        assert (mean < 1) if channel <= N_SIDE else (mean > -1)  # I-II lies at the midline
        assert abs(mean) > 5 or channel % N_SIDE in (1, 2)


def test_fissures_belong_to_a_lobule_and_the_core_is_as_large_as_drawn(compartments: np.ndarray, kit: Path):
    drawn = np.asarray(nib.load(cobralab_dseg(kit, 1)).dataobj)
    core = np.isin(compartments, (N_SIDE, 2 * N_SIDE)).sum() / (compartments > 0).sum()
    drawn_core = np.isin(drawn, (13, 113)).sum() / (drawn > 0).sum()
    assert 0.7 * drawn_core < core < 0.97 * drawn_core  # the share falls, for the lobules grow


def test_fluid_white_and_grey_matter_get_their_names():
    compartments = np.array([5, 5, 5, 18, 18, 13, 0], np.uint8)
    grey = np.array([255, 100, 60, 120, 0, 10, 255], np.uint8)
    white = np.array([0, 130, 60, 100, 255, 240, 0], np.uint8)
    assert named_tissues(compartments, grey, white).tolist() == [5, 13, 0, 18, 26, 13, 0]


def test_a_painted_case_shows_the_tissues_that_its_labels_name():
    coarse, fine = (12, 10, 10), (24, 20, 20)
    shares = np.zeros((3, *coarse), np.uint8)
    shares[0, 2:10] = 255
    outside = np.zeros(coarse, np.int16)
    outside[10:] = 520
    hull, grey, white = (np.zeros(fine, bool), np.zeros(fine, np.uint8), np.zeros(fine, np.uint8))
    hull[8:16, 4:16, 4:16] = True
    grey[8:12, 4:16, 4:16], white[12:16, 4:16, 4:16] = 255, 255
    labels = named_tissues(np.where(hull, 20, 0).astype(np.uint8), grey, white)
    source, bare = LabelledFolding("CoBrALab-1_0", Folded(grey, white, hull), labels, labels), 0
    for seed in range(12):
        case = painted_case(source, Anatomy(shares, outside), np.random.default_rng(seed))
        assert case.id == "CoBrALab-1_0" and np.array_equal(case.labels, labels)
        for channel, tissue in ((20, 1), (26, 2)):
            here = ndimage.binary_erosion(case.labels == channel)  # scanning blurs the borders
            assert abs(case.t1w[here].mean() - TARGETS[tissue]) < 15
            assert abs(case.t2w[here].mean() - T2W_MEANS[tissue]) < 1
        bare += not case.t1w[22:].any()
    assert 2 < bare < 10


def test_nothing_is_left_of_the_head_s_own_cerebellum(tmp_path: Path):
    shares, cerebellum = np.zeros((3, 8, 8, 8), np.uint8), np.zeros((8, 8, 8), np.uint8)
    shares[1, 2:7], cerebellum[3:6] = 255, 255
    shares[1, 6], shares[0, 6] = 100, 155  # beside it, partly fluid
    outside = np.zeros((8, 8, 8), np.int16)
    outside[7:] = 510
    save_arrays(tmp_path / "heads" / "map.npz", shares=shares, cerebellum=cerebellum, outside=outside)
    (head,) = load_empty_heads(tmp_path, ("map",))
    assert not head.shares[1:, 3:6].any() and (head.shares[0, 3:6] == 255).all()
    assert np.array_equal(head.shares[:, :3], shares[:, :3]) and np.array_equal(head.shares[:, 6:], shares[:, 6:])
    assert np.array_equal(head.outside, outside)


def test_every_folding_fills_its_compartments(compartments: np.ndarray, kit: Path):
    dseg = nib.load(cobralab_dseg(kit, 1)).slicer[::2, ::2, ::2]
    hull = folded_cerebellum(dseg, load_template(kit, CEREBELLUM_05MM.halved()), 3)["hull"]
    assert 2 * (hull & (compartments > 0)).sum() / (hull.sum() + (compartments > 0).sum()) > 0.97
