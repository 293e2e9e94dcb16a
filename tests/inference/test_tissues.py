import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from cerebbids.inference.tissues import find_tissues


class ByBrightness(torch.nn.Module):
    """Names what is dark fluid, what is bright white matter, and nothing that is exactly 0."""

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        x = seen[:, 0]
        classes = torch.where(x == 0, 0, torch.where(x < -0.16, 1, torch.where(x < 1.4, 2, 3)))
        return 12.0 * torch.nn.functional.one_hot(classes, 4).movedim(-1, 1).float()


class SureOfWhite(torch.nn.Module):
    """Trusts labels of white matter, and doubts all others."""

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        right = shown[:, 3] > 0.5
        return 12.0 * torch.stack((torch.zeros_like(shown[:, 0]), (~right).float(), right.float()), 1)


def head(zoom: float, codes: str) -> tuple[nib.Nifti1Image, np.ndarray]:
    """A scan of three tissues without symmetry, and the truth."""
    n = round(48 / zoom)
    x, y, z = (np.indices((n, n, n)) + 0.5) * zoom - 24
    truth = np.zeros((n, n, n), np.uint8)
    truth[(x**2 + y**2 + z**2) < 18**2] = 1
    truth[((x - 1) ** 2 + (y - 2) ** 2 + z**2) < 14**2] = 2
    truth[((x - 4) ** 2 + (y - 2) ** 2 + (z + 3) ** 2) < 8**2] = 3
    values = np.array([0, 100, 300, 500], np.float32)[truth]
    affine = np.diag([zoom, zoom, zoom, 1.0])
    affine[:3, 3] = (-20, 7, 11)
    images = (nib.Nifti1Image(values, affine), nib.Nifti1Image(truth, affine))
    change = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    turned = [nib.orientations.apply_orientation(np.asarray(image.dataobj), change) for image in images]
    return nib.Nifti1Image(turned[0], affine @ inv_ornt_aff(change, truth.shape)), turned[1]


@pytest.mark.parametrize(("zoom", "codes"), [(0.8, "RAS"), (0.8, "LIP"), (1.0, "PSR"), (0.5, "LAS")])
def test_tissues_come_back_on_the_grid_of_the_image(zoom: float, codes: str):
    t1w, truth = head(zoom, codes)
    found = find_tissues(ByBrightness(), SureOfWhite(), t1w, truth > 0, torch.device("cpu"))
    labels, trust = np.zeros(truth.shape, np.uint8), np.zeros(truth.shape, np.float32)
    labels[found.part], trust[found.part] = found.labels, found.trust
    least = 1.0 if zoom == 0.8 else 0.9  # on voxels of the networks' size nothing is interpolated
    for tissue in (1, 2, 3):
        both = 2 * ((labels == tissue) & (truth == tissue)).sum()
        assert both / ((labels == tissue).sum() + (truth == tissue).sum()) >= least
        middles = [np.argwhere(volume == tissue).mean(0) for volume in (labels, truth)]
        assert np.allclose(*middles, atol=0.4 / zoom)
    assert np.allclose(found.probabilities.sum(0), 1, atol=1e-5)
    assert trust[labels == 3].mean() > 0.9 and trust[labels == 1].mean() < 0.2 and not trust[labels == 0].any()


def test_nothing_is_labelled_outside_of_what_was_shown():
    t1w, truth = head(0.8, "RAS")
    shown = truth > 1
    found = find_tissues(ByBrightness(), SureOfWhite(), t1w, shown, torch.device("cpu"))
    labels = np.zeros(truth.shape, np.uint8)
    labels[found.part] = found.labels
    assert labels[shown].any() and not labels[~shown].any()


def test_islands_are_dropped():
    t1w, truth = head(0.8, "RAS")
    truth[1:3, 1:3, 1:3] = 3
    values = np.asarray(t1w.dataobj).copy()
    values[1:3, 1:3, 1:3] = 500
    found = find_tissues(
        ByBrightness(), SureOfWhite(), nib.Nifti1Image(values, t1w.affine), truth > 0, torch.device("cpu")
    )
    labels = np.zeros(truth.shape, np.uint8)
    labels[found.part] = found.labels
    assert not labels[1:3, 1:3, 1:3].any() and (labels == 3).any()


def test_networks_see_the_second_axis_run_to_posterior():
    seen = []

    class Spy(ByBrightness):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x[0, 0])
            return super().forward(x)

    t1w, truth = head(0.8, "RAS")
    for backwards in (False, True):
        find_tissues(Spy(), SureOfWhite(), t1w, truth > 0, torch.device("cpu"), backwards=backwards)
    bright = [torch.argwhere(x > 1.4)[:, 1].float().mean() - torch.argwhere(x != 0)[:, 1].float().mean() for x in seen]
    assert bright[0] < -1 and bright[2] > 1  # white matter lies in front of the middle
