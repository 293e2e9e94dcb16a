"""Finished output folders to count again in."""

import shutil
from pathlib import Path

import pytest

# Imports wait for their fixtures: this file may be loaded before the libraries' caches are kept out of the home folder.


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """Two images: one without a session, and one in a session, stripped, whose vermis was not told apart."""
    from tests.finished import NAMES, finish

    work = tmp_path_factory.mktemp("finished")
    finish(work / "out", work, NAMES["01"])
    finish(work / "out", work, NAMES["02"], vermis=False, stripped=True)
    return work / "out"


@pytest.fixture
def untouched(finished: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(finished, tmp_path / "out")


@pytest.fixture
def out(untouched: Path, monkeypatch) -> Path:
    """Another one, whose label maps are drawn in no time."""
    from cerebbids.cli import recount
    from cerebbids.files import write_text

    for drawing in ("segmentation_mosaic", "carved_mosaic"):
        monkeypatch.setattr(recount, drawing, lambda image, labels, figure: write_text(figure, "<svg/>"))
    return untouched
