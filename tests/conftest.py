"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cerebbids.cli.environment import prepare_environment

REPOSITORY = Path(__file__).resolve().parents[1]
LIMIT_S = 1800
"""A test that has not ended by then waits for what never comes; the slowest takes some minutes."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the libraries' caches out of the home folder, before a test loads one of them."""
    caches = tempfile.TemporaryDirectory(prefix="cerebbids-")
    config.add_cleanup(caches.cleanup)
    prepare_environment(Path(caches.name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Let a test that waits for ever fail where it waits."""

    def give_up(*_: object) -> None:
        pytest.fail(f"has not ended after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT_S)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def kit() -> Path:
    """Folder of the real images, where there is one (``CEREBBIDS_KIT``, else beside the repository)."""
    folder = Path(os.environ.get("CEREBBIDS_KIT", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no kit of images at {folder}; set CEREBBIDS_KIT")
    return folder
