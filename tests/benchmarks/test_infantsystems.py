import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from infantheads import phantom, resized
from infantsystems import MONTHS, compare, truth_path

from cerebbids.imaging.growth import AT_24_MONTHS, brain_cm3_at, size_at
from cerebbids.inference.infant import LARGE_BOTH, LARGE_BRAIN
from cerebbids.training.infantanatomy import draw_pose
from cerebbids.training.infantmaps import CEREBELLUM, CLASS_OF, Tissue, as_head_map, load_infant_heads
from tests.brains import ids


@pytest.fixture(scope="module")
def heads(kit):
    return load_infant_heads(kit)


@pytest.mark.long
@pytest.mark.parametrize("month", MONTHS)
def test_infant_refuses_no_painted_head_for_its_size(heads, month):
    image, tissues = phantom(heads, month, brain_cm3_at(month))
    voxel = np.abs(np.linalg.det(image.affine[:3, :3])) / 1000
    brain, cerebellum = (
        voxel * np.count_nonzero(mask) for mask in (CLASS_OF[tissues] > 0, CLASS_OF[tissues] == CEREBELLUM)
    )
    assert brain == pytest.approx(brain_cm3_at(month), rel=0.12)  # bent, and the cerebellum larger or smaller
    # The localiser errs by some percent.
    assert 1.1 * brain < min(LARGE_BRAIN, LARGE_BOTH[0]) * brain_cm3_at(month)
    assert 1.1 * cerebellum < LARGE_BOTH[1] * AT_24_MONTHS * size_at(month)


def test_a_head_is_resized_around_its_middle():
    head = as_head_map(ids(), "blocks", 12)
    pose = draw_pose(head, 1.0, np.random.default_rng(0), head.centre, (5.0, 5.0, 5.0))
    other = resized(pose, head, 2 * head.volume)
    assert head.volume / np.linalg.det(other.matrix) == pytest.approx(2 * head.volume)
    middle, moved = (np.linalg.solve(each.matrix, head.centre - each.offset) for each in (pose, other))
    assert moved == pytest.approx(middle)


def test_systems_are_compared_with_the_truth_where_they_have_answered(tmp_path):
    grey, white = np.zeros((2, 8, 8, 8), bool)
    grey[1:4, 2:6], white[4:7, 2:6] = True, True
    truth = np.select([grey, white], [Tissue.CEREBELLAR_GREY, Tissue.CEREBELLAR_WHITE], 0).astype(np.uint8)
    anat = tmp_path / "infant" / "sub-06" / "anat"
    anat.mkdir(parents=True)
    (tmp_path / "sourcedata").mkdir()

    def save(labels, path):
        nib.save(nib.Nifti1Image(labels.astype(np.uint8), np.eye(4)), path)

    for month in MONTHS:
        save(truth, truth_path(tmp_path, month))
    stem = np.where(np.indices(truth.shape)[1] >= 6, 3, 0)  # white matter of a brainstem, which the mask leaves out
    save(2 * grey + 3 * white + stem, anat / "sub-06_seg-CerebellumTissue_dseg.nii.gz")
    save(grey | white, anat / "sub-06_label-CBM_mask.nii.gz")
    compare(tmp_path, {name: tmp_path / name for name in ("deepceres", "infant")}, tmp_path / "systems.tsv")
    table = pd.read_csv(tmp_path / "systems.tsv", sep="\t").set_index(["month", "system"])
    assert len(table) == 2 * len(MONTHS) and table.loc[(6, "deepceres")].isna().all()
    assert table.loc[(6, "infant"), ["dice_GM", "dice_WM", "dice_both"]].tolist() == [100, 100, 100]
    assert table.loc[(6, "infant"), "volume_both"] == 1
