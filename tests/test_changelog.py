"""What tells the version tells the same one."""

import re
from pathlib import Path

import yaml

from cerebbids import __version__

ROOT = Path(__file__).parents[1]
HEADINGS = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)


def test_the_citation_is_of_this_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == __version__


def test_changes_of_this_version_are_told():
    versions = [heading.partition(" - ")[0] for heading in HEADINGS]
    assert __version__ in versions[:2]  # the newest, but for what is not released yet


def test_versions_and_dates_are_in_order():
    released = [heading for heading in HEADINGS if heading != "Unreleased"]
    told = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)", heading) for heading in released]
    assert all(told), released
    numbers, days = ([found.group(*group) for found in told] for group in ((1, 2, 3), (4,)))
    numbers = [tuple(map(int, number)) for number in numbers]
    assert numbers == sorted(numbers, reverse=True) and days == sorted(days, reverse=True)
