import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.resample import resample
from cerebbids.inference import wholebrain as module
from cerebbids.inference.localise import Place
from cerebbids.inference.wholebrain import label_brain
from tests.brainphantom import CEREBRUM, pair_of, tissues
from tests.imaging.contrasts import rigid

CPU = torch.device("cpu")
MOTION = rigid((3, -2, 4), (6, -4, 5), (4.0, -8.0, 11.0))


class ByBoth(nn.Module):
    """Names what T1w and T2w tell together: fluid is dark in T1w, white matter brighter in T2w than grey matter."""

    def __init__(self, classes: int, fluid: int, grey: int, white: int) -> None:
        super().__init__()
        self.classes, self.named = classes, (fluid, grey, white)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t1w, t2w = x[:, 0], x[:, 1]
        fluid, grey, white = self.named
        told = torch.full((len(x), self.classes, *x.shape[2:]), -20.0)
        told[:, 0] = 0.0
        shown = (t1w != 0) | (t2w != 0)
        told[:, fluid] = torch.where(shown & (t1w < -0.9), 20.0, -20.0)
        told[:, white] = torch.where(shown & (t1w >= -0.9) & (t2w > t1w - 1), 20.0, -20.0)
        told[:, grey] = torch.where(shown & (t1w >= -0.9) & (t2w <= t1w - 1), 20.0, -20.0)
        return told


NETS = {
    "neonatal": {"place_neonates": nn.Identity(), "brain": ByBoth(10, 1, 2, 3)},
    "isointense": {"place": nn.Identity(), "cerebrum": ByBoth(4, 1, 2, 3), "context": ByBoth(4, 1, 2, 3)},
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch):
    """Let the place be the truth."""

    def set_place(parts: np.ndarray, brain_cm3: float) -> None:
        def localise(net, image, name, device, plausible):
            return Place(with_data(image, parts), brain_cm3, 20.0, 4.0, False, 0.9)

        monkeypatch.setattr(module, "localise", localise)

    return set_place


def labelled(system: str, t1w: nib.Nifti1Image, t2w: nib.Nifti1Image):
    laps = []
    return label_brain(system, NETS[system], t1w, t2w, CPU, 1, "T1w", laps.append), laps


@pytest.mark.parametrize("codes", ["RAS", "LIP"])
def test_neonates_brain_is_labelled_on_the_grid_of_the_t1w(found, codes):
    truth, _ = tissues()
    t1w, t2w, parts = pair_of(MOTION)
    turn = nib.orientations.ornt_transform(nib.io_orientation(t1w.affine), nib.orientations.axcodes2ornt(codes))
    truth, parts = (
        np.asarray(nib.Nifti1Image(each, t1w.affine).as_reoriented(turn).dataobj) for each in (truth, parts)
    )
    t1w = t1w.as_reoriented(turn)
    found(parts, 300.0)
    brain, laps = labelled("neonatal", t1w, t2w)
    labels = np.zeros(t1w.shape, np.uint8)
    labels[brain.part] = brain.labels
    for value in (2, 3):
        a, b = labels == value, (truth == value) & (parts > 0)
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.85, value
    assert laps == ["place", "bias", "pair", "labels"] and brain.skull_stripped == (False, False)
    assert brain.shown[parts > 0].all() and brain.shown.sum() < 1.5 * (parts > 0).sum()
    np.testing.assert_allclose(brain.probabilities.sum(0), 1, atol=1e-5)
    told = brain.facts()
    assert told["brain_cm3"] == 300 and told["weeks_told"] is None and told["t2w_sharpness"] > 0.1


def test_isointense_system_labels_the_cerebrum_alone(found, monkeypatch):
    t1w, t2w, parts = pair_of(MOTION, stripped=True)
    found(parts, 700.0)
    monkeypatch.setattr(module, "is_cut_out", lambda image: False)
    brain, _ = labelled("isointense", t1w, t2w)
    labels = np.zeros(t1w.shape, np.uint8)
    labels[brain.part] = brain.labels
    assert not labels[parts > CEREBRUM].any() and (labels[parts == CEREBRUM] > 0).mean() > 0.98
    assert brain.skull_stripped == (True, True) and np.array_equal(brain.t1w.dataobj, t1w.dataobj)


@pytest.mark.parametrize(("system", "cm3"), [("neonatal", 1100.0), ("neonatal", 30.0), ("isointense", 300.0)])
def test_brain_of_another_size_is_refused(found, system, cm3):
    t1w, t2w, parts = pair_of(np.eye(4))
    found(parts, cm3)
    with pytest.raises(SegmentationFailed, match=rf"T1w: shows a brain of {cm3:.0f} cm3, where {system} is for"):
        labelled(system, t1w, t2w)


def test_cut_out_cerebellum_is_refused():
    data = np.zeros((90, 90, 90), np.float32)
    data[30:70, 30:70, 30:70] = 7
    image = nib.Nifti1Image(data, np.eye(4))
    with pytest.raises(SegmentationFailed, match="shows no whole brain"):
        labelled("isointense", image, image)


def test_air_of_exactly_nothing_makes_no_bare_brain(found):
    t1w, t2w, parts = pair_of(np.eye(4))
    data = np.asarray(t1w.dataobj)
    around = module.around_brain(parts, t1w.affine)
    assert not module.is_bare(nib.Nifti1Image(np.where(data > 40, data, 0), t1w.affine), around)
    assert module.is_bare(nib.Nifti1Image(np.where(around, data, 0), t1w.affine), around)


def test_finer_images_have_no_labels_beyond_what_was_shown(found):
    t1w, t2w, parts = pair_of(np.eye(4), stripped=True)
    fine, part = (
        resample(
            nib.Nifti1Image(np.asarray(each), t1w.affine),
            (120,) * 3,
            t1w.affine @ np.diag([0.8] * 3 + [1]),
            order=order,
        )
        for each, order in ((t1w.dataobj, 1), (parts, 0))
    )
    found(np.asarray(part.dataobj), 300.0)
    brain, _ = labelled("neonatal", fine, t2w)
    assert (brain.labels > 0).any() and not (brain.labels > 0)[~brain.shown[brain.part]].any()


class Nothing(ByBoth):
    """Names nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[:, :1, None, None].expand(len(x), 10, *x.shape[2:]) * 20


def test_answer_without_tissue_is_an_error(found, monkeypatch):
    t1w, t2w, parts = pair_of(np.eye(4), stripped=True)
    found(parts, 300.0)
    monkeypatch.setitem(NETS["neonatal"], "brain", Nothing(10, 1, 2, 3))
    with pytest.raises(SegmentationFailed, match="no tissue of a brain"):
        labelled("neonatal", t1w, t2w)
