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
    """Another one, whose pictures are drawn in no time."""
    from cerebbids.cli import recount
    from cerebbids.files import write_text

    maps = ("segmentation_mosaic", "carved_mosaic", "surface_figure", "snapshots")
    for drawing in (*maps, "volumes_figure", "flat_figure"):
        monkeypatch.setattr(recount, drawing, lambda *given: write_text(given[-1], "<svg/>"))
    return untouched


@pytest.fixture
def dataset(tmp_path: Path):
    """Two tiny images and where their outputs will be."""
    from tests.app import Run
    from tests.datasets import make_dataset

    names = ("sub-01/anat/sub-01", "sub-02/anat/sub-02")
    return Run(make_dataset(tmp_path / "data", *names), tmp_path / "out", tmp_path / "work")


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch, dataset) -> None:
    """Let every image be done at once, in the output folder of an earlier run."""
    from cerebbids.cli import execute, participant, work
    from tests.datasets import make_output

    make_output(dataset.out)
    monkeypatch.setattr(work, "refused_images", lambda *_: ())
    monkeypatch.setattr(participant, "choose_device", lambda _: "cpu")
    monkeypatch.setattr(execute, "execute", lambda *_: execute.Outcome({}, {}))
