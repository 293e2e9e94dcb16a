import numpy as np
import pytest
from infantheads import phantom
from infantsystems import MONTHS

from cerebbids.imaging.growth import AT_24_MONTHS, brain_cm3_at, size_at
from cerebbids.inference.infant import LARGE_BOTH, LARGE_BRAIN
from cerebbids.training.infantmaps import CEREBELLUM, CLASS_OF, load_infant_heads


@pytest.fixture(scope="module")
def heads(kit):
    return load_infant_heads(kit)


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
