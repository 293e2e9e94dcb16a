import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.noise import LEAST, signal_to_noise


def image(data):
    return nib.Nifti1Image(data, np.diag([2.0, 1, 1, 1]))


def white(shape=(24, 12, 12)):
    """White matter of both sides, and a lobule around the left one."""
    labels = np.zeros(shape, np.uint8)
    labels[0:11] = 6
    labels[2:9, 2:10, 2:10], labels[13:20, 2:10, 2:10] = 13, 113
    return labels


def noisy(labels, sd, gain):
    noise = np.random.default_rng(0).normal(0, sd, labels.shape)
    return (300 + noise) * np.where(np.arange(labels.shape[0])[:, None, None] < 12, 1, gain)


@pytest.mark.parametrize("gain", [1, 3])
def test_ratio_is_that_of_the_noise_and_not_of_the_field(gain):
    labels = white()
    assert signal_to_noise(image(noisy(labels, 15, gain)), image(labels)) == pytest.approx(20, rel=0.1)


def test_what_is_outside_of_the_white_matter_and_at_its_rim_does_not_count():
    labels = white()
    scan = noisy(labels, 15, 1)
    inner = np.zeros(labels.shape, bool)
    inner[3:8, 3:9, 3:9] = inner[14:19, 3:9, 3:9] = True
    odd = np.where(inner, scan, -1000)
    assert signal_to_noise(image(odd), image(labels)) == signal_to_noise(image(scan), image(labels))


def test_too_little_or_even_white_matter_tells_nothing():
    few = np.zeros((20, 20, 20), np.uint8)
    few[5:8, 5:8, 5:8] = 13
    assert LEAST > 1 and signal_to_noise(image(noisy(few, 5, 1)), image(few)) is None
    labels = white()
    assert signal_to_noise(image(np.full(labels.shape, 7.0)), image(labels)) is None
    assert signal_to_noise(image(noisy(labels, 5, 1)), image(np.zeros_like(labels))) is None
