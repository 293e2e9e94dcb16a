import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.errors import CerebbidsError
from cerebbids.imaging import standard
from cerebbids.imaging.template import template_brain_mask, template_t1w, template_tissues
from cerebbids.imaging.tissuemeans import BINS
from cerebbids.inference.imageside import ImageSide, RealT2w, image_side
from cerebbids.inference.outputs import image_facts
from cerebbids.nets.contrast import ContrastNet
from cerebbids.nets.superres import SuperResolution
from cerebbids.systems.grid import HEAD_2MM, Grid

from .phantoms import Bright, Constant

BOX = Grid((-19.5, -70.0, -50.0), (40, 32, 32), 1.0)
GRIDS = {"icv": HEAD_2MM, "superres": BOX, "contrast": BOX.doubled()}
SCALE = 4.0


@pytest.fixture(scope="module")
def brain() -> nib.Nifti1Image:
    """Template brain at 2 mm with even tissues: fluid, grey and white matter at 50, 150 and 250 times ``SCALE``."""
    grey, white = (np.asarray(tissue.dataobj) for tissue in template_tissues())
    inside = np.asarray(template_brain_mask().dataobj) > 0
    shares = np.stack([np.clip(inside - grey - white, 0, 1), grey, white])
    data = SCALE * np.array([50.0, 150, 250])[shares.argmax(0)] * inside
    noise = np.random.default_rng(0).normal(0, 6, data.shape)
    part = (np.abs(data + noise) * inside)[::2, ::2, ::2].astype(np.float32)
    return nib.Nifti1Image(part, template_t1w().affine @ np.diag([2, 2, 2, 1]))


@pytest.fixture
def made(brain: nib.Nifti1Image, monkeypatch: pytest.MonkeyPatch):
    """Apply the image side with a network for the cavity."""
    monkeypatch.setattr(standard, "correct_bias", lambda image, *_: image)

    def make(icv: torch.nn.Module, **given) -> ImageSide:
        nets = {"icv": icv, "superres": SuperResolution(4, 1), "contrast": ContrastNet(4, 1)}
        given = {"stripped": False, "real": None, **given}
        fixed = {"device": torch.device("cpu"), "threads": 1, "name": "sub-1", "lap": lambda _: None}
        return image_side(nets, GRIDS, brain, np.eye(4), **fixed, **given)

    return make


def test_a_head_gets_a_cavity_and_its_volume(made, brain: nib.Nifti1Image):
    side = made(Bright())
    shown = np.asarray(brain.dataobj) > 0
    found = np.asarray(side.cavity.dataobj) > 0
    assert 2 * (found & shown).sum() / (found.sum() + shown.sum()) > 0.95
    assert not side.warnings
    assert image_facts(side)["icv_mm3"] == pytest.approx(8 * found.sum())


def test_tissues_are_brought_to_their_targets_and_counted(made):
    side = made(Bright())
    assert [side.means.csf, side.means.gm, side.means.wm] == pytest.approx([200, 600, 1000], rel=0.05)
    facts = image_facts(side)["tissues"]
    assert facts["wm"] == round(side.means.wm, 2) and len(facts["counts"]) == BINS[0]
    assert sum(facts["counts"]) == pytest.approx(np.count_nonzero(side.cavity.dataobj), rel=0.01)
    edges = np.linspace(*BINS[1], BINS[0] + 1)
    assert edges[np.argmax(facts["counts"])] == pytest.approx(150, abs=10)
    assert side.t1w.shape == side.t2w.shape == GRIDS["contrast"].shape
    assert np.quantile(side.t1w, 0.9) == pytest.approx(250, abs=15)


@pytest.mark.parametrize("answer", [Constant(5, -5), Constant(0, 0)])
def test_what_cannot_be_a_cavity_is_told_and_does_not_stop_the_rest(made, answer: Constant):
    side = made(answer)
    assert side.cavity is None
    assert "cavity was not found" in side.warnings[0]
    assert image_facts(side)["icv_mm3"] is None
    assert side.means.wm == pytest.approx(1000, rel=0.05)


def test_a_stripped_image_has_no_cavity_and_no_warning(made):
    side = made(Constant(5, -5), stripped=True)
    assert side.cavity is None and not side.warnings


def test_a_real_t2w_is_used_where_its_tissues_are_in_order(made, brain: nib.Nifti1Image):
    data = brain.get_fdata(dtype=np.float32)
    dark = nib.Nifti1Image((np.where(data > 0, 1300 - data, 0)).astype(np.float32), brain.affine)
    used = made(Bright(), real=RealT2w(dark, np.eye(4), required=False))
    assert used.t2w_is_real and image_facts(used)["t2w"] == "real" and not used.warnings
    refused = made(Bright(), real=RealT2w(brain, np.eye(4), required=False))
    assert not refused.t2w_is_real and image_facts(refused)["t2w"] == "synth"
    assert "The T2w image was not used" in refused.warnings[0]
    with pytest.raises(CerebbidsError, match="sub-1: has a T2w image that cannot be used: .*choose --t2w auto"):
        made(Bright(), real=RealT2w(brain, np.eye(4), required=True))
