import re

import numpy as np

from cerebbids.reports.outlines import outline


def area(path: str) -> float:
    """Area by the shoelace formula; holes run the other way round and count against it."""
    total = 0.0
    for ring in path.strip("MZ").split("ZM"):
        points = np.array([[float(v) for v in pair.split()] for pair in ring.split("L")])
        total += np.sum(points[:, 0] * np.roll(points[:, 1], -1) - points[:, 1] * np.roll(points[:, 0], -1)) / 2
    return abs(total)


def test_outline_encloses_the_region():
    y, x = np.mgrid[:80, :100]
    disc = ((x - 40) ** 2 + (y - 30) ** 2 < 400).astype(float)
    assert abs(area(outline(disc)) / disc.sum() - 1) < 0.01
    assert abs(area(outline(disc, scale=2)) / (4 * disc.sum()) - 1) < 0.01


def test_hole_and_parts_have_rings_of_their_own():
    field = np.zeros((40, 60))
    field[5:35, 5:35], field[15:25, 15:25], field[10:20, 45:55] = 1, 0, 1
    path = outline(field)
    assert path.count("M") == path.count("Z") == 3
    assert abs(area(path) - (900 - 100 + 100)) < 10


def test_region_that_the_picture_cuts_is_closed_at_its_border():
    path = outline(np.ones((10, 20)))
    points = np.array([float(v) for v in re.findall(r"[\d.-]+", path)]).reshape(-1, 2)
    np.testing.assert_allclose([points.min(0), points.max(0)], [[0, 0], [20, 10]], atol=0.51)


def test_nothing_has_no_outline():
    assert outline(np.zeros((5, 5))) == ""
