"""Thousands of odd files: each is read right, or refused in one line that helps."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from .judging import judge
from .mutations import FAMILIES

SETTINGS = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("name", FAMILIES)
def test_odd_file_is_read_right_or_refused_in_one_line(name, tmp_path, record_property):
    family = FAMILIES[name]
    outcomes = Counter()

    @settings(max_examples=family.cases, **SETTINGS)
    @given(family.draw())
    def look(case):
        outcomes[judge(case, tmp_path, family.limit)] += 1

    look()
    record_property("fuzzed images", dict(outcomes))
    assert outcomes.total() >= family.cases
    assert outcomes["processed"] > family.cases / 50
    assert name != "sound" or set(outcomes) == {"processed"}
