"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def kit() -> Path:
    """Folder of the real images, where there is one (``CEREBBIDS_KIT``, else beside the repository)."""
    folder = Path(os.environ.get("CEREBBIDS_KIT", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no kit of images at {folder}; set CEREBBIDS_KIT")
    return folder
