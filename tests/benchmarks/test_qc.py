"""The simulated failures change what they say, and nothing else."""

from argparse import Namespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import qc
from qc import FAILURES, LESION_MM, lights, places

AFFINE = np.array([[-2.0, 0, 0, 40], [0, 0, 2, -90], [0, 2, 0, -70], [0, 0, 0, 1]])
"""Axes left, superior, anterior."""
SHAPE = (40, 40, 36)
FLUID = 50.0


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """A ball, its left half Crus I and its right half the same on the right."""
    world = places(SHAPE, AFFINE)
    ball = np.linalg.norm(world - (0, -54, -30), axis=-1) < 26
    return np.where(ball, np.where(world[..., 0] < 0, 6, 106), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def image(labels: np.ndarray) -> np.ndarray:
    textured = 150 + 20 * np.random.default_rng(0).standard_normal(SHAPE)
    return np.where(labels > 0, textured, 60).astype(np.float32)


def changed(name: str, image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    found = FAILURES[name](image, labels, AFFINE, FLUID)
    assert found.shape == image.shape and np.isfinite(found).all()
    return found


def test_a_lesion_is_a_ball_of_fluid_on_the_left(image, labels):
    dark = changed("lesion", image, labels) != image
    assert dark.sum() * 8 == pytest.approx(4 / 3 * np.pi * LESION_MM**3, rel=0.1)
    assert (labels[dark] == 6).mean() > 0.95


def test_a_missing_hemisphere_is_the_left_one(image, labels):
    found = changed("missing hemisphere", image, labels)
    assert np.array_equal(found != image, labels == 6) and set(found[labels == 6]) == {FLUID}


def test_atrophy_takes_the_rim(image, labels):
    dark = changed("atrophy", image, labels) == FLUID
    assert 0.03 < dark.sum() / (labels > 0).sum() < 0.5 and not dark[labels == 0].any()


def test_tonsils_descend_and_the_rest_stays(image, labels):
    found, height = changed("tonsil descent", image, labels), places(SHAPE, AFFINE)[..., 2]
    below = height < height[labels > 0].min()
    assert (found[below] > 100).sum() > 50 * (image[below] > 100).sum()
    above = height > -28
    np.testing.assert_allclose(found[above], image[above], rtol=1e-5)


def test_a_cut_field_shows_nothing_below(image, labels):
    gone = changed("cut off", image, labels) == 0
    assert gone[labels > 0].mean() == pytest.approx(0.2, abs=0.06)
    height = places(SHAPE, AFFINE)[..., 2]
    assert height[gone].max() < height[~gone].min()


@pytest.mark.parametrize("name", ["motion", "noise"])
def test_motion_and_noise_are_the_same_every_time(name: str, image, labels):
    found = changed(name, image, labels)
    assert np.array_equal(found, changed(name, image, labels)) and found.min() >= 0
    assert np.abs(found - image)[labels > 0].mean() > 10


def test_an_image_without_a_place_for_a_lesion_does_not_end_the_others(image, labels, tmp_path, monkeypatch):
    monkeypatch.setattr(qc, "clean_t1w", lambda *_: (nib.Nifti1Image(image, AFFINE), ()))

    def labelled(t1w, folder, asked):
        (folder / "out").mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.where(labels, 1, 0).astype(np.uint8), AFFINE), folder / "out" / "dseg.nii.gz")
        (folder / "out" / "predict.json").write_text('{"tissues": {"csf": 50.0}}')
        return {"light": "green", "flags": ""}

    monkeypatch.setattr(qc, "labelled", labelled)
    found = {row["failure"]: row["light"] for row in qc.rows(tmp_path / "a_T1w.nii.gz", Namespace(threads=1))}
    assert found.pop("lesion") == "not simulated" and set(found.values()) == {"green"}
    assert set(found) == {"none", *FAILURES} - {"lesion"}


def test_lights_are_counted():
    table = pd.DataFrame({"failure": ["none", "none", "lesion"], "light": ["green", "refused", "red"]})
    assert lights(table).splitlines()[2:] == ["| none | 1 | 0 | 1 |", "| lesion | 0 | 1 | 0 |"]
