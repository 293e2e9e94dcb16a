import re
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.template import template_t1w
from cerebbids.reports.figures import atlas_mosaic, carved_mosaic, registration_check, segmentation_mosaic

from .phantom import grids, phantom

SVG = "{http://www.w3.org/2000/svg}"
GRIDS = grids()


def outlines(panel: ElementTree.Element) -> dict[str, np.ndarray]:
    """Middle of every named outline of a panel, in picture units."""
    found = {}
    for path in panel.iter(f"{SVG}path"):
        points = np.array([float(v) for v in re.findall(r"-?[\d.]+", path.get("d"))]).reshape(-1, 2)
        found[path.findtext(f"{SVG}title")] = (points.min(0) + points.max(0)) / 2
    return found


def panels(svg) -> list[tuple[str, dict[str, np.ndarray]]]:
    return [
        (panel.findall(f"{SVG}text")[0].text, outlines(panel))
        for panel in ElementTree.parse(svg).getroot().iter(f"{SVG}svg")
        if (panel.get("class") or "").startswith("panel")
    ]


def mosaic(tmp_path, grid):
    scan, labels = phantom(*GRIDS[grid])
    nib.save(scan, tmp_path / "t1w.nii.gz")
    nib.save(labels, tmp_path / "dseg.nii.gz")
    segmentation_mosaic(tmp_path / "t1w.nii.gz", tmp_path / "dseg.nii.gz", tmp_path / "mosaic.svg")
    return panels(tmp_path / "mosaic.svg")


@pytest.mark.parametrize("grid", ["RAS", "LAS", "PSR", "oblique", "oblique LAS", "anisotropic"])
def test_mosaic_has_left_at_left(tmp_path, grid):
    seen = set()
    for edge, found in mosaic(tmp_path, grid):
        if edge == "L" and len(found) == 2:
            (left, right), seen = (found["Left Crus I"], found["Right Crus I"]), seen | {"both"}
            assert left[0] < right[0] - 60  # 47 mm apart, 2 units each
            assert left[1] > right[1]  # lower (coronal), further back (axial)
        seen |= set(found)
    assert seen >= {"both", "Left Crus I", "Right Crus I"}


def test_mosaic_goes_from_left_to_right_and_back_to_front(tmp_path):
    drawn = mosaic(tmp_path, "PSR")
    assert [edge for edge, _ in drawn] == ["L"] * 20 + ["P"] * 7
    assert set(drawn[0][1]) == {"Left Crus I"} and set(drawn[9][1]) == {"Right Crus I"}
    assert set(drawn[10][1]) == {"Left Crus I"} and set(drawn[19][1]) == {"Right Crus I"}
    assert set(drawn[20][1]) == {"Left Crus I"} and set(drawn[26][1]) == {"Right Crus I"}


@pytest.mark.parametrize(
    ("draw", "title"), [(carved_mosaic, "Lobules without fluid"), (atlas_mosaic, "What the library voted for")]
)
def test_mosaics_at_half_a_millimetre_have_left_at_left_in_fewer_and_larger_cuts(draw, title, tmp_path):
    scan, labels = phantom(*GRIDS["oblique LAS"])
    nib.save(scan, tmp_path / "superres.nii.gz")
    nib.save(labels, tmp_path / "dseg.nii.gz")
    draw(tmp_path / "superres.nii.gz", tmp_path / "dseg.nii.gz", tmp_path / "mosaic.svg")
    drawn = panels(tmp_path / "mosaic.svg")
    assert [edge for edge, _ in drawn] == ["L"] * 6 + ["P"] * 4
    names = ("Left Crus I", "Right Crus I")
    left, right = ([found[name][0] for _, found in drawn[:6] if name in found] for name in names)
    assert max(left) < min(right) - 47 * 2.5
    assert title in (tmp_path / "mosaic.svg").read_text()


def test_mosaic_needs_nothing_from_outside(tmp_path):
    mosaic(tmp_path, "RAS")
    text = (tmp_path / "mosaic.svg").read_text()
    assert not re.findall(r'href="(?!data:image/jpeg;base64,)', text)
    assert "<script" not in text and "@import" not in text
    assert len(text) < 1_500_000


def test_empty_segmentation_is_named(tmp_path):
    scan, labels = phantom(*GRIDS["RAS"])
    nib.save(scan, tmp_path / "t1w.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros_like(labels.dataobj), labels.affine), tmp_path / "dseg.nii.gz")
    with pytest.raises(SegmentationFailed, match=r"dseg\.nii\.gz: has no label"):
        segmentation_mosaic(tmp_path / "t1w.nii.gz", tmp_path / "dseg.nii.gz", tmp_path / "mosaic.svg")
    assert not (tmp_path / "mosaic.svg").exists()


def test_registration_check_draws_the_template_over_the_scan(tmp_path):
    nib.save(template_t1w(), tmp_path / "t1w.nii.gz")
    registration_check(tmp_path / "t1w.nii.gz", tmp_path / "check.svg")
    drawn = panels(tmp_path / "check.svg")
    assert len(drawn) == 17
    assert sum("Cerebellum and brainstem" in found for _, found in drawn) >= 11
    assert all("Brain" in found for _, found in drawn)
    assert (tmp_path / "check.svg").stat().st_size < 1_000_000
