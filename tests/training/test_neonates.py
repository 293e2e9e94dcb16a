import nibabel as nib
import numpy as np
import pytest

from cerebbids.training import neonates
from cerebbids.training.neonates import (
    BOUNTI,
    BRAINSTEM,
    CEREBELLUM,
    CORTEX,
    CSF,
    DEEP,
    HIPPOCAMPUS,
    OUTSIDE,
    UNNAMED,
    VENTRICLES,
    WHITE,
    at_1mm,
    classes_of,
    drawem,
    load_term_brain,
)


def test_every_label_of_bounti_has_a_class():
    classes = classes_of(np.arange(44, dtype=np.uint8))
    assert classes[0] == 0 and (classes[1:] > 0).all()
    assert [int(classes[label]) for label in (1, 25, 26, 27, 30, 36, 38, 41, 43)] == [
        CORTEX, WHITE, WHITE, BRAINSTEM, CEREBELLUM, DEEP, CSF, VENTRICLES, VENTRICLES,
    ]  # fmt: skip
    assert not {OUTSIDE, HIPPOCAMPUS} & {*classes.tolist()}


def test_classes_keep_their_place_and_size_on_voxels_of_1mm():
    """A ball, not in the middle, at half a millimetre: the same centre, in mm from the corner, and the same volume."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in (40, 48, 56)], indexing="ij"), -1)
    ball = np.linalg.norm((grid + 0.5) * 0.5 - (9, 13, 16), axis=-1) < 6
    classes = np.where(ball, CEREBELLUM, 0).astype(np.uint8)
    found = at_1mm(classes, np.diag([0.5, 0.5, 0.5, 1]))
    assert found.shape == (20, 24, 28)
    assert np.argwhere(found == CEREBELLUM).mean(0) + 0.5 == pytest.approx((9, 13, 16), abs=0.05)
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(ball) / 8, rel=0.03)
    assert {*np.unique(found).tolist()} == {0, CEREBELLUM}


@pytest.mark.long
def test_the_term_brain_of_the_kit(kit, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(neonates, "drawem", lambda kit: made.append(drawem(kit)) or made[-1])
    brain = load_term_brain(kit, tmp_path)
    cm3 = {value: np.count_nonzero(brain == value) / 1000 for value in range(10)}
    image = nib.as_closest_canonical(nib.load(kit / BOUNTI))
    labels, voxel = np.asarray(image.dataobj), np.prod(image.header.get_zooms()) / 1000
    assert cm3[CEREBELLUM] == pytest.approx(voxel * np.isin(labels, (28, 29, 30)).sum(), rel=0.03)
    assert cm3[CORTEX] == pytest.approx(voxel * ((labels > 0) & (labels < 13)).sum(), rel=0.1)
    assert 1.5 < cm3[HIPPOCAMPUS] < 4 and cm3[OUTSIDE] == 0
    sides = np.argwhere(brain == HIPPOCAMPUS)[:, 0] - np.argwhere(brain == WHITE)[:, 0].mean()
    assert 0.35 < (sides > 0).mean() < 0.65 and (np.abs(sides) > 8).all()  # one on either side
    classes, _ = made[0]
    assert {*np.unique(labels[classes == HIPPOCAMPUS]).tolist()} == {UNNAMED}
    load_term_brain(kit, tmp_path)
    assert len(made) == 1
