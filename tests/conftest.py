"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from cerebbids.cli.environment import prepare_environment

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the libraries' caches out of the home folder, before a test loads one of them."""
    caches = tempfile.TemporaryDirectory(prefix="cerebbids-")
    config.add_cleanup(caches.cleanup)
    prepare_environment(Path(caches.name))


@pytest.fixture(scope="session")
def kit() -> Path:
    """Folder of the real images, where there is one (``CEREBBIDS_KIT``, else beside the repository)."""
    folder = Path(os.environ.get("CEREBBIDS_KIT", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no kit of images at {folder}; set CEREBBIDS_KIT")
    return folder
