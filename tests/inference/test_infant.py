from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.antsio import with_data
from cerebbids.inference import infant as module
from cerebbids.inference.infant import AROUND_MM, label, region
from cerebbids.inference.localise import BRAINSTEM, CEREBELLUM, CEREBRUM, Place
from cerebbids.inference.tissues import find_tissues
from tests.inference.test_tissues import ByBrightness, SureOfWhite

CPU = torch.device("cpu")


def scan(codes: str = "RAS") -> tuple[nib.Nifti1Image, np.ndarray]:
    """A head of three parts, 1 mm, and their labels; a coil makes its front brighter."""
    n = 90
    x, y, z = np.indices((n, n, n)) - n / 2
    parts = np.zeros((n, n, n), np.uint8)
    parts[(x / 36) ** 2 + (y / 40) ** 2 + ((z - 12) / 28) ** 2 < 1] = CEREBRUM
    parts[(x / 24) ** 2 + ((y + 20) / 16) ** 2 + ((z + 26) / 12) ** 2 < 1] = CEREBELLUM
    parts[(x / 7) ** 2 + (y / 7) ** 2 + ((z + 24) / 14) ** 2 < 1] = BRAINSTEM
    white = (x / 14) ** 2 + ((y + 20) / 8) ** 2 + ((z + 26) / 6) ** 2 < 1
    values = np.float32([40, 500, 300, 500])[parts]
    values[white & (parts == CEREBELLUM)] = 500
    values *= 1 + 0.002 * y.astype(np.float32)
    image = nib.Nifti1Image(values.astype(np.float32), np.diag([1.0, 1, 1, 1]))
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    return turned, np.asarray(nib.Nifti1Image(parts, image.affine).as_reoriented(turn).dataobj)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch):
    """Let the place be the truth, and no ANTs be needed; the brains' volumes are as asked."""

    def set_place(parts: np.ndarray, brain_cm3: float = 700.0, cut_out: bool = False) -> None:
        def localise(net, image, name, device):
            return Place(with_data(image, parts), brain_cm3, 60.0, 8.0, False, 0.9)

        for name in ("localise", "localise_cut_out"):
            monkeypatch.setattr(module, name, localise)
        monkeypatch.setattr(module, "is_cut_out", lambda image: cut_out)

    return set_place


def labelled(image: nib.Nifti1Image):
    return label(torch.nn.Identity(), ByBrightness(), SureOfWhite(), image, 12.0, CPU, 1, "sub-1", lambda stage: None)


@pytest.mark.parametrize("codes", ["RAS", "LIP"])
def test_cerebellum_and_brainstem_of_a_head_are_told_apart(found, codes: str):
    image, parts = scan(codes)
    found(parts)
    answer = labelled(image)
    where = answer.tissues.part
    assert not answer.cut_out and answer.facts()["brain_cm3"] == 700
    assert (answer.cerebellum & (parts[where] == CEREBELLUM)).sum() > 0.95 * (parts == CEREBELLUM).sum()
    assert not (answer.cerebellum & (parts[where] == BRAINSTEM)).any()
    assert not (answer.shown & (parts == CEREBRUM)).any() and answer.shown[parts >= CEREBELLUM].all()
    corrected = np.asarray(answer.t1w.dataobj)[parts == CEREBRUM]
    before = np.asarray(image.dataobj)[parts == CEREBRUM]
    assert corrected.std() / corrected.mean() < 0.5 * before.std() / before.mean()


def test_a_cut_out_is_taken_as_it_is(found):
    image, parts = scan()
    values = np.where(parts >= CEREBELLUM, np.asarray(image.dataobj), 0)
    image = nib.Nifti1Image(values, image.affine)
    found(np.where(parts >= CEREBELLUM, parts, 0).astype(np.uint8), cut_out=True)
    answer = labelled(image)
    assert answer.cut_out and answer.facts()["brain_cm3"] is None
    assert np.array_equal(answer.t1w.dataobj, image.dataobj) and np.array_equal(answer.shown, values > 0)


def test_the_brain_of_an_adult_is_refused(found):
    image, parts = scan()
    found(parts, brain_cm3=1400.0)
    with pytest.raises(
        SegmentationFailed, match=r"a brain of 1400 cm3, too large for 12 months \(usual: 1014\); correct"
    ):
        labelled(image)


def test_a_large_brain_with_the_cerebellum_of_an_adult_is_refused(found, monkeypatch: pytest.MonkeyPatch):
    image, parts = scan()
    monkeypatch.setattr(module, "AT_24_MONTHS", 13.0)  # that of the phantom has 19 cm3
    found(parts, brain_cm3=1250)
    with pytest.raises(SegmentationFailed, match=r"a cerebellum of (19|20) cm3, too large for 12 months \(usual: 11\)"):
        labelled(image)
    found(parts, brain_cm3=1200)
    assert labelled(image).brain_cm3 == 1200
    found(parts, brain_cm3=1250, cut_out=True)
    assert labelled(image).brain_cm3 is None


def test_the_end_of_the_image_is_told(found, monkeypatch: pytest.MonkeyPatch):
    image, parts = scan()
    found(parts)
    whole = module.localise
    monkeypatch.setattr(module, "localise", lambda *given: replace(whole(*given), cut=True))
    assert labelled(image).facts()["warnings"] == ["The image ends within the cerebellum."]


def test_a_region_goes_so_far_around_and_not_into_the_cerebrum():
    parts = np.zeros((40, 40, 40), np.uint8)
    parts[15:25, 15:25, 15:25], parts[25:30] = CEREBELLUM, CEREBRUM
    grown = region(parts, np.diag([1.0, 0.5, 2.0, 1.0]))
    assert grown[15 - int(AROUND_MM), 20, 20] and not grown[14 - int(AROUND_MM), 20, 20]
    assert grown[20, 15 - int(2 * AROUND_MM), 20] and not grown[20, 14 - int(2 * AROUND_MM), 20]
    assert grown[20, 20, 14] and not grown[20, 20, 12]
    assert not grown[25:30].any()


def test_back_and_front_of_a_cut_out_are_those_of_its_anatomy(found, monkeypatch: pytest.MonkeyPatch):
    image, parts = scan()
    found(parts, cut_out=True)
    plain, seen = module.localise_cut_out, []
    monkeypatch.setattr(
        module, "find_tissues", lambda *given, **told: seen.append(told) or find_tissues(*given, **told)
    )
    first = labelled(image)
    monkeypatch.setattr(module, "localise_cut_out", lambda *given: replace(plain(*given), backwards=True))
    second = labelled(image)
    assert seen == [{"backwards": False}, {"backwards": True}]
    assert not first.facts()["warnings"] and "back to front" in second.facts()["warnings"][0]
    assert np.array_equal(first.tissues.labels, second.tissues.labels)  # what is seen voxel by voxel has no front
