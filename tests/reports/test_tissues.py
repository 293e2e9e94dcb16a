import re

import numpy as np
import pytest

from cerebbids.reports.tissues import read_means, tissues_figure

COUNTS = [0] * 70
COUNTS[0], COUNTS[9], COUNTS[10], COUNTS[30], COUNTS[50] = 1000, 5, 5, 40, 50
FACTS = {"tissues": {"csf": 87.1, "gm": 412.26, "wm": 640.0, "targets": [50, 150, 250], "counts": COUNTS}}


def figure(tmp_path, facts) -> str:
    tissues_figure(facts, tmp_path / "tissues.svg")
    return (tmp_path / "tissues.svg").read_text()


def test_means_are_named_with_what_was_measured(tmp_path):
    shown = re.findall(r"<tspan[^>]*>([^<]+)</tspan>|<text[^>]*>([^<]+)</text>", figure(tmp_path, FACTS))
    words = {first or second for first, second in shown}
    assert {"Cerebrospinal fluid", "Grey matter", "White matter"} <= words
    assert {"50 (measured: 87.1)", "150 (measured: 412.3)", "250 (measured: 640)"} <= words


def test_marks_stand_where_the_targets_are(tmp_path):
    text = figure(tmp_path, FACTS)
    ticks = {int(x): float(at) for at, x in re.findall(r'text-anchor: middle" x="([\d.]+)"[^>]*>(\d+)</text>', text)}
    lines = [float(x) for x in re.findall(r'<path d="M ([\d.]+) [\d.]+ \nL \1 ', text)]
    per_unit = (ticks[300] - ticks[100]) / 200
    for target in (50, 150, 250):
        assert any(abs(line - ticks[100] - (target - 100) * per_unit) < 0.5 for line in lines)


def test_voxels_of_nothing_do_not_press_the_histogram_down(tmp_path):
    emptied = FACTS | {"tissues": FACTS["tissues"] | {"counts": [1_000_000, *COUNTS[1:]]}}

    def height(facts) -> float:
        """Of the highest bar but the first, in points."""
        outline = re.search(r'<path d="([^"]+)"[^>]+style="fill: #c3cad4"/>', figure(tmp_path, facts)).group(1)
        points = np.array([float(v) for v in re.findall(r"[\d.]+", outline)]).reshape(-1, 2)
        second = np.unique(points[:, 0])[1]
        bars = points[points[:, 0] > second + 0.01, 1]
        return float(np.ptp(bars))

    assert height(emptied) == pytest.approx(height(FACTS), abs=0.1)
    assert height(emptied) > 100


def test_nothing_counted_gives_an_empty_histogram(tmp_path):
    assert "Grey matter" in figure(tmp_path, {"tissues": FACTS["tissues"] | {"counts": [0] * 70}})


def test_means_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="have to rise"):
        read_means({"tissues": {"csf": 3, "gm": 2, "wm": 4}})
