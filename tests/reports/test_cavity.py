import re
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pytest

from cerebbids.reports.cavity import MARGIN, SCALE, cavity_check

from .phantom import grids, phantom
from .test_figures import SVG
from .test_outlines import area

GRIDS = grids()
LOW, HIGH = np.array((-43.0, -82.0, -54.0)), np.array((34.0, -48.0, -25.0))  # of the two balls together


def draw(tmp_path, grid, empty=False) -> str:
    scan, labels = phantom(*GRIDS[grid])
    nib.save(scan, tmp_path / "t1w.nii.gz")
    mask = np.zeros(labels.shape, np.uint8) if empty else (np.asarray(labels.dataobj) > 0).astype(np.uint8)
    nib.save(nib.Nifti1Image(mask, labels.affine), tmp_path / "icv.nii.gz")
    cavity_check(tmp_path / "t1w.nii.gz", tmp_path / "icv.nii.gz", tmp_path / "icv.svg")
    return (tmp_path / "icv.svg").read_text()


def cuts(text: str) -> list[tuple[str, float, float]]:
    """Axis, position and area (mm2) inside the outline of every cut."""
    found = []
    for panel in ElementTree.fromstring(text).iter(f"{SVG}svg"):
        if (panel.get("class") or "").startswith("panel"):
            axis, position = panel.findall(f"{SVG}text")[2].text.replace("\N{MINUS SIGN}", "-").split(" = ")
            paths = [path.get("d") for path in panel.iter(f"{SVG}path")]
            found.append((axis, float(position), sum(map(area, paths)) / SCALE**2))
    return found


@pytest.mark.parametrize("grid", ["RAS", "PSR", "oblique LAS", "anisotropic"])
def test_outline_encloses_the_mask_wherever_it_is_cut(tmp_path, grid):
    drawn = cuts(draw(tmp_path, grid))
    assert [axis for axis, _, _ in drawn] == ["z"] * 6 + ["y"] * 6 + ["x"] * 5
    for number, axis in enumerate("xyz"):
        places = [(where, enclosed) for name, where, enclosed in drawn if name == axis]
        assert LOW[number] < places[0][0] < places[-1][0] < HIGH[number]
        # The areas times their distance are the volume of the two ellipsoids.
        volume = sum(enclosed for _, enclosed in places) * (HIGH - LOW)[number] / len(places)
        assert volume == pytest.approx(4 / 3 * np.pi * (18 * 12 * 9 + 12 * 8 * 8), rel=0.15)


def test_view_reaches_beyond_the_cavity(tmp_path):
    first = ElementTree.fromstring(draw(tmp_path, "RAS")).find(f".//{SVG}svg")
    size = np.array([float(first.get("width")), float(first.get("height"))]) / SCALE
    np.testing.assert_allclose(size, (HIGH - LOW)[:2] + 2 * MARGIN, atol=2)


def test_volume_of_the_mask_is_said(tmp_path):
    text = draw(tmp_path, "anisotropic")
    assert int(re.search(r"measures (\d+) cm", text).group(1)) == round(4 / 3 * np.pi * (1944 + 768) / 1000)


def test_empty_mask_shows_the_head_without_an_outline(tmp_path):
    text = draw(tmp_path, "oblique", empty=True)
    assert len(cuts(text)) == 17 and "<path" not in text and "measures 0 cm" in text


def test_outline_goes_away_under_the_pointer(tmp_path):
    text = draw(tmp_path, "RAS")
    assert text.count('class="panel bare"') == 17
    assert ".bare:hover .outline, .bare:focus .outline { fill-opacity: 0; stroke-opacity: 0; }" in text
