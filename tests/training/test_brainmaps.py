import numpy as np

from cerebbids.training import neonates
from cerebbids.training.brainmaps import CSF, GREY, WHITE, isointense_brain, neonatal_brain
from cerebbids.training.infantmaps import PAD, Tissue, as_head_map
from tests.brains import CEREBELLUM_ID, CORTEX_ID, STEM_ID, VENTRICLE_ID, WHITE_ID, drawem, ids


def test_only_the_cerebrum_has_classes():
    own, brain = ids()[10:50, 10:60, 4:50], isointense_brain(as_head_map(ids(), "age-06mo", 6))
    inside = brain.classes[PAD:-PAD, PAD:-PAD, PAD:-PAD]
    assert (inside[own == CORTEX_ID] == GREY).all() and (inside[own == WHITE_ID] == WHITE).all()
    assert (inside[own == VENTRICLE_ID] == CSF).all()
    assert not inside[np.isin(own, (CEREBELLUM_ID, STEM_ID))].any()


def test_fluid_belongs_to_what_is_nearest():
    brain = isointense_brain(as_head_map(ids(), "age-06mo", 6))
    x, y, z = 20 + PAD, 10 + PAD, 6 + PAD  # within the cerebellum
    assert brain.classes[x, y, z] == 0
    assert brain.classes[x, y, PAD - 6] == 0  # below it
    assert brain.classes[x, y, -PAD + 6] == CSF  # above the cerebrum
    assert brain.classes[PAD - 8, y + 20, 40 + PAD] == CSF  # to the left of it


def test_classes_lie_on_the_head_that_is_painted():
    brain = neonatal_brain(drawem())
    assert brain.classes.shape == brain.head.tissues.shape
    for value, tissue in (
        (neonates.CORTEX, Tissue.CORTEX), (neonates.WHITE, Tissue.WHITE), (neonates.VENTRICLES, Tissue.VENTRICLE),
        (neonates.BRAINSTEM, Tissue.BRAINSTEM), (neonates.HIPPOCAMPUS, Tissue.DEEP),
    ):  # fmt: skip
        here = brain.classes == value
        assert np.count_nonzero(here) == np.count_nonzero(drawem() == value)
        assert (brain.head.tissues[here] == tissue).all()
    cerebellum = brain.head.tissues[brain.classes == neonates.CEREBELLUM]
    assert {*np.unique(cerebellum).tolist()} == {Tissue.CEREBELLAR_GREY, Tissue.CEREBELLAR_WHITE}


def test_all_around_a_neonate_is_fluid_where_it_is_fluid():
    brain = neonatal_brain(drawem())
    outside = (brain.head.tissues == Tissue.FLUID) | (brain.head.tissues == Tissue.AIR)
    assert outside.any() and (brain.classes[outside] == neonates.CSF).all()
