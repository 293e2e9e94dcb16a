"""Whether a file was read right, or refused as a user can understand."""

from __future__ import annotations

import re
import signal
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine

from cerebbids.errors import CerebbidsError
from cerebbids.imaging.conform import Conformed, check_image, conform

from .headfiles import Case
from .oracle import Grid, read_grid

LIMIT_S = 20.0
LIMIT_BYTES = 64_000_000
"""Every file is small, so that none may take more memory than this, whatever its header says."""
SAME_MM = 0.1


def judge(case: Case, folder: Path, limit: int = LIMIT_BYTES) -> str:
    """Check an image and conform it: ``processed``, or what kind of reason it was refused for."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    path = folder / case.name
    try:
        with ended_in_time():
            checked, conformed = attempt(check_image, path, limit), attempt(conform, path, limit)
        assert not (isinstance(checked, CerebbidsError) and isinstance(conformed, Conformed)), case.told
        for answer in (checked, conformed):
            if isinstance(answer, CerebbidsError):
                assert_one_line(answer, path)
        if isinstance(conformed, CerebbidsError):
            return kind(conformed)
        assert_right(conformed, case, folder)
        return "processed"
    finally:
        for name in case.files:
            (folder / name).unlink()


def attempt(look: Callable[[Path], object], path: Path, limit: int) -> object:
    """What a look at a file gives, or the error that a user sees; it may take no more memory than is allowed."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings(action="ignore"):
            return look(path)
    except CerebbidsError as error:
        return error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < limit, f"{peak:.3g} bytes of memory"


@contextmanager
def ended_in_time() -> Iterator[None]:
    """Fail what hangs."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"has not ended after {LIMIT_S:.0f} s")

    before, left = signal.signal(signal.SIGALRM, give_up), signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)


def assert_one_line(error: CerebbidsError, path: Path) -> None:
    """Fail unless an error names the file, a reason and a mend in one line."""
    told = str(error)
    assert len(told.splitlines()) == 1 and told.isprintable()
    assert told == f"{path}: {error.reason}; {error.mend}" and error.reason and error.mend


def kind(error: CerebbidsError) -> str:
    """The reason of an error, without its numbers."""
    return re.sub(r"(\S*\d\S*|nan|inf)( x (\S*\d\S*|nan|inf))*", "N", re.sub(r" ?\(.*\)", "", error.reason))


def assert_right(conformed: Conformed, case: Case, folder: Path) -> None:
    """Fail unless grid, voxels and marks are what the file holds, in memory and after another program's reading."""
    image, grid = conformed.image, read_grid(case.header)
    values = np.asarray(image.dataobj)
    assert values.dtype == np.float32 and np.isfinite(values).all() and values.min() >= 0 and values.max() > 0
    assert_same_grid(Grid(image.shape, image.affine), grid)
    nib.save(image, folder / "conformed.nii")
    content = (folder / "conformed.nii").read_bytes()
    assert_same_grid(read_grid(content), grid)
    if case.marks is not None:
        places = np.argsort(values.ravel())[-4:]
        found = apply_affine(image.affine, np.column_stack(np.unravel_index(places, values.shape)))
        np.testing.assert_allclose(found, case.marks, atol=SAME_MM)


def assert_same_grid(found: Grid, wanted: Grid) -> None:
    """Fail unless no corner of the field of view is elsewhere."""
    assert wanted.affine is not None and found.affine is not None, "the header leaves the grid open"
    assert found.shape == wanted.shape
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in wanted.shape])).reshape(3, -1).T
    moved = apply_affine(found.affine, corners) - apply_affine(wanted.affine, corners)
    size = np.abs(wanted.affine).max()
    assert np.abs(moved).max() < max(SAME_MM, 1e-6 * size), f"moved by {np.abs(moved).max():.3g} mm"
