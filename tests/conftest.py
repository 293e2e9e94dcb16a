"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cerebbids.cli.environment import prepare_environment

REPOSITORY = Path(__file__).resolve().parents[1]
LIMIT_S = 1800
"""A test that has not ended by then waits for what never comes; the slowest takes some minutes."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the libraries' caches out of the home folder, before a test loads one of them."""
    caches = tempfile.TemporaryDirectory(prefix="cerebbids-")
    config.add_cleanup(caches.cleanup)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = caches.name
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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have counted with ``record_property``, each on a line and all together."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.getreports(key)]
    counted = [(report.nodeid, *item) for report in reports for item in report.user_properties if report.when == "call"]
    for kind in sorted({name for _, name, _ in counted}):
        terminalreporter.section(kind)
        total = Counter()
        for test, _, counts in (line for line in counted if line[1] == kind):
            total.update(counts)
            terminalreporter.line(f"{sum(counts.values()):6} {test}")
        terminalreporter.line(f"{total.total():6} together")
        for name, count in total.most_common():
            terminalreporter.line(f"{count:14} {name}")


@pytest.fixture(scope="session")
def kit() -> Path:
    """Folder of the real images, where there is one (``CEREBBIDS_KIT``, else beside the repository)."""
    folder = Path(os.environ.get("CEREBBIDS_KIT", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no kit of images at {folder}; set CEREBBIDS_KIT")
    return folder
