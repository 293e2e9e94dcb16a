"""A dataset of odd files through the whole program: each is done on its own grid, or failed in one line."""

import gzip
import re
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import derivative_path
from cerebbids.imaging.template import template_t1w
from tests.cli.test_participant import Run
from tests.datasets import make_dataset
from tests.imaging.headfiles import Case, Form, pack
from tests.imaging.oracle import read_grid

pytestmark = pytest.mark.long

SOUND = {
    "swapped": {"axes": (2, 0, 1), "flips": (True, False, True), "order": ">", "forms": "sform"},
    "qform": {"flips": (True, False, False), "angles": (0.1, -0.15, 0.2), "dtype": "float32", "forms": "qform"},
    "apart": {"axes": (1, 0, 2), "forms": "apart", "dtype": "uint16", "name": ".nii.gz"},
    "sheared": {"shear": 0.1, "dtype": "float64", "slope": 0.01, "inter": 3.0, "name": ".nii.gz"},
    "second": {"version": 2, "axes": (0, 2, 1), "extension": b"made for a test", "name": ".nii.gz"},
    "sizes": {"fields": {"pixdim": (0, np.nan, -1, 0, 1e30, 1, 1, 1), "cal_max": np.nan, "qform_code": 0}},
}
"""Participants whose files say clearly what they hold, however odd."""


@cache
def brain() -> np.ndarray:
    """Voxels of the template at 2 mm."""
    return np.asarray(template_t1w().dataobj)[::2, ::2, ::2] * 1000


def case(label: str, voxels: np.ndarray | None = None, **form: object) -> Case:
    """Write the brain, or other voxels in its place, in a form."""
    where = {"angles": (0.0, 0.0, 0.0), "zooms": (2.0, 2.0, 2.0), "origin": tuple(template_t1w().affine[:3, 3])}
    name = f"sub-{label}_T1w{form.pop('name', '.nii')}"
    return Form(**where | form, name=name, source=brain() if voxels is None else voxels).case(keeps_marks=False)


def changed(label: str, content: bytes, name: str = ".nii.gz") -> Case:
    """A file that holds something else."""
    return Case(f"sub-{label}_T1w{name}", {f"sub-{label}_T1w{name}": content})


def wild(label: str) -> Case:
    """Numbers in the air that are none, or have no measure."""
    voxels = brain().copy()
    voxels[:2, :2], voxels[2, :2], voxels[3, 1] = np.nan, 1e38, -1e38
    return case(label, voxels, dtype="float32", name=".nii.gz")


def unsound() -> dict[str, tuple[Case, str]]:
    """Participants whose files cannot be used, with what is said of them."""
    (plain,) = case("x").files.values()
    packed = pack(plain, ".gz")
    flipped = bytearray(packed)
    flipped[-6] ^= 1
    return {
        "cut": (changed("cut", packed[: len(packed) // 2]), "is truncated or damaged"),
        "checksum": (changed("checksum", bytes(flipped)), "is truncated or damaged"),
        "huge": (case("huge", fields={"dim": (3, 30000, 30000, 30000, 1, 1, 1, 1)}), "is truncated or damaged"),
        "nothing": (changed("nothing", gzip.compress(b"")), "is not a NIfTI image"),
        "wrongend": (changed("wrongend", packed, ".nii"), "is not a NIfTI image"),
        "code": (case("code", fields={"sform_code": 77}), "has an sform_code of 77"),
        "noside": (case("noside", forms="none"), "does not say which side is left"),
    }


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Case], Run, tuple[int, str, str]]:
    """Files by participant, their run, and what it said."""
    folder = tmp_path_factory.mktemp("fuzzed")
    run = Run(make_dataset(folder / "data"), folder / "out", folder / "work")
    cases = {label: case(label, **form) for label, form in SOUND.items()} | {"wild": wild("wild")}
    cases |= {label: bad for label, (bad, _) in unsound().items()}
    for label, each in cases.items():
        path = source(run, each, label)
        path.parent.mkdir(parents=True)
        path.write_bytes(each.files[each.name])
    return cases, run, run.run()


def source(run: Run, each: Case, label: str) -> Path:
    """Where the file of a participant is."""
    return run.raw / f"sub-{label}" / "anat" / each.name


def test_code_and_last_line_count_every_participant(fuzzed):
    cases, _, (code, last, err) = fuzzed
    assert code == 1 and "Traceback" not in err
    assert last.startswith(f"{len(SOUND) + 1} done, {len(unsound())} failed: ")
    assert len(cases) == len(SOUND) + 1 + len(unsound())


@pytest.mark.parametrize("label", [*SOUND, "wild"])
def test_labels_of_a_sound_file_are_on_its_grid_with_left_on_the_left(label, fuzzed):
    cases, run, _ = fuzzed
    grid = read_grid(cases[label].header)
    path = run.out / derivative_path(source(run, cases[label], label), "dseg")
    found, dseg = read_grid(gzip.decompress(path.read_bytes())), nib.load(path)
    assert dseg.shape == found.shape == grid.shape
    for affine in (dseg.affine, found.affine):
        np.testing.assert_allclose(affine, grid.affine, atol=1e-4)
    left = np.argwhere(np.asarray(dseg.dataobj) == 3)
    assert len(left) and nib.affines.apply_affine(grid.affine, left)[:, 0].mean() < -5


@pytest.mark.parametrize("label", unsound())
def test_unsound_file_is_failed_in_one_line_and_leaves_no_labels(label, fuzzed):
    cases, run, (_, last, err) = fuzzed
    reason = unsound()[label][1]
    lines = [line for line in err.splitlines() if cases[label].name in line]
    assert len(lines) == 1 and re.search(rf"{re.escape(cases[label].name)}: {re.escape(reason)}.*; \w", lines[0])
    assert f"sub-{label} ({reason}" in last
    assert not (run.out / derivative_path(source(run, cases[label], label), "dseg")).exists()
    assert reason in (run.out / f"sub-{label}.html").read_text()
