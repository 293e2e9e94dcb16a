import base64
import io
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from cerebbids.imaging.resample import resample
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.reports.closeups import STEP, VIEW
from cerebbids.reports.contrast import contrast_check
from cerebbids.reports.superres import superres_check
from cerebbids.systems.grid import CEREBELLUM_05MM

from .phantom import grids, phantom, rotation
from .test_figures import SVG

FACTS = {"t2w": "synth", "tissues": {"csf": 10.0, "gm": 60.0, "wm": 100.0, "targets": [50, 150, 250]}}
KNOTS = [0.0, 10.0, 60.0, 100.0], [0.0, 50.0, 150.0, 250.0]  # what these facts make of the phantom's brightness


def decoded(href: str) -> np.ndarray:
    data = base64.b64decode(href.removeprefix("data:image/jpeg;base64,"))
    return np.asarray(Image.open(io.BytesIO(data))).astype(float)


def shown(svg) -> list[tuple[np.ndarray, np.ndarray, list[str]]]:
    """Picture, picture under the pointer, and texts of every cut."""
    return [
        (
            *(decoded(image.get("href")) for image in panel.iter(f"{SVG}image")),
            [t.text for t in panel.iter(f"{SVG}text")],
        )
        for panel in ElementTree.parse(svg).getroot().iter(f"{SVG}svg")
        if (panel.get("class") or "").startswith("panel")
    ]


@pytest.fixture(params=["RAS", "oblique LAS", "anisotropic"])
def files(request, tmp_path):
    """A scan that lies turned and displaced in its own world, and the same in the working space, normalised."""
    shape, affine = grids()[request.param]
    to_mni = np.diag([1.1, 1, 0.95, 1]) @ rotation(10, 0)
    to_mni[:3, 3] = 3, -12, -14
    scan = phantom(shape, affine)[0]
    nib.save(scan, tmp_path / "t1w.nii.gz")
    write_itk_affine(to_mni, tmp_path / "xfm.txt")
    grid = CEREBELLUM_05MM
    fine = resample(scan, grid.shape, grid.affine, np.linalg.inv(to_mni), order=1).get_fdata(dtype=np.float32)
    for name, data in (("superres", np.interp(fine, *KNOTS)), ("t2w", np.interp(fine, [0, 10, 100], [0, 900, 100]))):
        nib.save(nib.Nifti1Image(data.astype(np.float32), grid.affine), tmp_path / f"{name}.nii.gz")
    return tmp_path


def test_scan_under_the_pointer_lies_where_the_super_resolved_one_does_and_is_as_bright(files):
    superres_check(files / "t1w.nii.gz", files / "xfm.txt", files / "superres.nii.gz", FACTS, files / "s.svg")
    drawn = shown(files / "s.svg")
    assert len(drawn) == 7
    for fine, scan, texts in drawn:
        assert fine.shape == scan.shape == tuple(round(n / STEP) for n in size_of(texts))
        assert texts[2].startswith("super-resolved, ") and texts[3].startswith("input, cubic, ")
        reached = (fine > 10) & (scan > 10)  # where the phantom's field of view has been reached
        assert reached.mean() > 0.2
        assert np.median(np.abs(fine - scan)[reached]) < 3
        assert fine[reached].std() < 5 or np.corrcoef(fine[reached], scan[reached])[0, 1] > 0.95
    assert (files / "s.svg").stat().st_size < 1_000_000


def size_of(texts: list[str]) -> tuple[float, float]:
    """Height and width in mm of the cut with these texts."""
    x, y, z = np.subtract(VIEW.high, VIEW.low)
    return {"x": (z, y), "y": (z, x), "z": (y, x)}[texts[2].split(", ")[1][0]]


@pytest.mark.parametrize(("origin", "word"), [("real", "REAL"), ("synth", "SYNTHETIC")])
def test_t2w_says_loudly_whether_it_was_acquired(files, origin, word):
    contrast_check(files / "t2w.nii.gz", files / "superres.nii.gz", {"t2w": origin}, files / "c.svg")
    text = (files / "c.svg").read_text()
    headline = ElementTree.fromstring(text).find(f".//{SVG}text[@class='headline']").text
    other = {"REAL": "SYNTHETIC", "SYNTHETIC": "REAL"}[word]
    assert headline.startswith(f"{word} T2w") and text.count("<title>" + word) == 1
    assert other not in text and other.lower() + " T2w" not in text
    for t2w, t1w, texts in shown(files / "c.svg"):
        assert texts[2].startswith(f"{word.lower()} T2w, ") and texts[3].startswith("super-resolved, ")
        bright = t1w > 150  # the phantom's white matter, the darkest of T2w
        assert not bright.any() or t2w[bright].mean() < t2w[(t1w > 20) & (t1w < 60)].mean() - 50


def test_t2w_of_unknown_origin_is_not_shown(files):
    with pytest.raises(KeyError):
        contrast_check(files / "t2w.nii.gz", files / "superres.nii.gz", {"t2w": "maybe"}, files / "c.svg")
    assert not (files / "c.svg").exists()
