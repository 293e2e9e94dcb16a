import json
import re
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.template import suit_surface
from cerebbids.reports.flatmap import flat_figure
from cerebbids.reports.flatplot import plot_figure, plot_values
from cerebbids.reports.flatsurface import flat_regions, lobules, vertex_labels
from cerebbids.reports.flatvalues import NOT_KNOWN, FlatMap, of_group, of_image
from cerebbids.reports.volumes import read_regions

from .test_volumes import write_table

RECIPE = Path(__file__).parents[2] / "docs" / "flatmap_labels.py"


def area(loop: np.ndarray) -> float:
    """Area inside a closed line (shoelace), whichever way round."""
    x, y = loop.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def found(tmp_path, volume) -> FlatMap | None:
    return of_image(read_regions(write_table(tmp_path / "morph.tsv", volume), COMPARTMENTS))


def test_vertices_left_of_the_midline_have_left_labels():
    named, pial = vertex_labels(), suit_surface("PIAL_MNISymC")[0]
    flat, triangles = suit_surface("FLAT")
    used = np.unique(triangles)
    assert set(named[used]) == {label.index for label in load_scheme(COMPARTMENTS).labels if label.tissue == "GM"}
    for surface in (pial, flat):
        off = used[abs(surface[used, 0]) > 4]
        assert ((surface[off, 0] > 0) == (named[off] > 100)).mean() > 0.998


def test_lobules_are_where_anatomy_has_them():
    pial, named = suit_surface("PIAL_MNISymC")[0], vertex_labels()
    middle = {number: pial[named == number].mean(0) for number in range(1, 13)}
    assert middle[2][1] > middle[4][1] > middle[5][1] > middle[6][1]  # III to Crus I, from the front to the back
    heights = [middle[number][2] for number in (5, 6, 7, 8)]
    assert heights == sorted(heights, reverse=True)  # VI to VIIB, from above to below
    assert middle[10][1] < middle[12][1]  # the flocculus lies in front


def test_recipe_makes_the_labels_again(tmp_path):
    recipe = runpy.run_path(str(RECIPE))
    made = recipe["name_vertices"](recipe["packaged_labels"](), load_scheme(COMPARTMENTS))
    assert (made == vertex_labels()).mean() > 0.999


def test_small_pieces_take_what_is_around_them():
    recipe = runpy.run_path(str(RECIPE))
    side = 12
    number = np.arange(side**2).reshape(side, side)
    corners = number[:-1, :-1], number[1:, :-1], number[:-1, 1:], number[1:, 1:]
    a, b, c, d = (each.ravel() for each in corners)
    joined = recipe["neighbours"](np.concatenate([np.c_[a, b, c], np.c_[b, d, c]]), side**2)
    named = np.where(number.ravel() % side < 6, 1, 2)
    expected = named.copy()
    named[[number[3, 9], number[11, 0]]] = 1, 2
    expected[number[11, 0]] = 1
    assert np.array_equal(recipe["without_islands"](named, joined), expected)


def test_regions_cover_the_map_without_overlap():
    flat, triangles = suit_surface("FLAT")
    edges = flat[triangles][:, 1:, :2] - flat[triangles][:, :1, :2]
    whole = abs(np.linalg.det(edges)).sum() / 2
    assert sum(area(loop) for region in flat_regions() for loop in region.loops) == pytest.approx(whole, rel=0.01)
    assert [(region.name, region.side) for region in flat_regions()] == list(lobules())
    for region in flat_regions():
        assert (region.middle[0] < 0) is (region.side == "left")


def test_neighbours_share_the_points_of_their_border():
    points = {(r.name, r.side): {tuple(p) for loop in r.loops for p in loop.tolist()} for r in flat_regions()}
    for side in ("left", "right"):
        for one, other in (("V", "VI"), ("Crus I", "Crus II"), ("VIIIB", "IX")):
            assert len(points[one, side] & points[other, side]) > 10
    assert not points["VI", "left"] & points["Crus II", "right"] - points["VI", "right"]


def test_values_are_those_of_the_table_and_sides_stay_apart(tmp_path):
    # Left lobules have 1000 mm3, right ones 3000; left Crus I has 2000. White matter as lobules.
    share, asymmetry = found(
        tmp_path, lambda label: 2000 if label.index == 6 else 1000 if label.hemisphere == "left" else 3000
    ).measures
    total = 13 * 1 + 1 + 13 * 3
    assert share.values["Crus I", "left"] == pytest.approx(100 * 2 / total)
    assert share.values["Crus I", "right"] == pytest.approx(100 * 3 / total)
    assert share.values["I-IV", "right"] == pytest.approx(100 * 9 / total)
    assert asymmetry.values["VI", "left"] == asymmetry.values["VI", "right"] == 100
    assert asymmetry.text(("Crus I", "left")) == "+40.0"


def test_absent_lobules_and_unknown_volumes_have_no_value(tmp_path):
    volumes = {"Left X": 0, "Right X": 0, "Left VIIB": 0}
    share, asymmetry = found(tmp_path, lambda label: volumes.get(label.name, 1000)).measures
    assert share.text(("X", "left")) == asymmetry.text(("X", "right")) == share.text(("VIIB", "left")) == "n/a"
    assert share.color(("X", "left")) == NOT_KNOWN and share.ink(("X", "left")) == "#000000"
    assert share.text(("VIIB", "right")) != "n/a" and asymmetry.text(("VIIB", "left")) == "+200.0"
    assert found(tmp_path, lambda label: 0) is None
    regions = read_regions(write_table(tmp_path / "morph.tsv", lambda label: 1000), COMPARTMENTS)
    seen = of_image([replace(region, left=np.nan) if region.name == "VI" else region for region in regions])
    assert [measure.text(("VI", "left")) for measure in seen.measures] == ["n/a", "n/a"]
    assert seen.told["VI", "left"][0] == "left n/a, right 1.00 cm³"


def test_figure_is_small_reproducible_and_says_the_values(tmp_path):
    table = write_table(tmp_path / "morph.tsv", lambda label: 0 if label.region == "X" else 100 * label.index)
    for name in ("one.svg", "two.svg"):
        flat_figure(table, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text() and len(text) < 400_000
    shown = re.findall(r"<text[^>]*>([^<]+)</text>", text)
    assert {"L", "R", "Crus I 0.4", "X n/a", "n/a", "+178.6", "Share of the cerebellum, %"} <= set(shown)


def test_figure_of_empty_labels_says_so(tmp_path):
    flat_figure(write_table(tmp_path / "morph.tsv", lambda label: 0), tmp_path / "flat.svg")
    assert "hold no cerebellum: n/a" in (tmp_path / "flat.svg").read_text()


def test_plotly_takes_the_figure_and_every_lobule_has_its_own_words(tmp_path):
    measures = json.loads(plot_values(found(tmp_path, lambda label: 1000 + label.index)))
    figure = plot_figure()
    for measure in measures:
        traces = [one | other for one, other in zip(figure["data"], measure["traces"], strict=True)]
        made = go.Figure(traces, figure["layout"])  # which raises where a name or value is wrong
        crus = next(trace for trace in made.data if trace.name == "Crus I, right")
        assert crus.text.startswith("<b>Crus I, right</b><br>left 1.01 cm³, right 1.11 cm³<br>right share")
    assert [measure["title"] for measure in measures] == ["Share of the cerebellum", "Asymmetry"]
    assert figure["config"]["displaylogo"] is False


def group(images: int) -> pd.DataFrame:
    """Long table of images whose left lobules have 1000, 1100, ... mm3, and right ones twice as much."""
    rows = []
    for k in range(images):
        sides = {"Left": 1000 + 100 * k, "Right": 2 * (1000 + 100 * k)}
        rows += [(f"i{k}", f"{side} {name}", sides[side]) for name, _ in list(lobules())[:10] for side in sides]
        rows.append((f"i{k}", "Cerebellum", 40 * (1000 + 100 * k)))
    return pd.DataFrame(rows, columns=["image", "name", "volume_mm3"])


def test_group_shows_medians_and_variation():
    table = group(5)
    table.loc[(table["image"] == "i0") & (table["name"] == "Left X"), "volume_mm3"] = 0
    seen = of_group(table)
    share, variation, asymmetry = seen.measures
    assert share.values["VI", "left"] == pytest.approx(2.5) and share.values["VI", "right"] == pytest.approx(5)
    sizes = np.arange(1000, 1500, 100)
    assert variation.values["VI", "right"] == pytest.approx(100 * sizes.std(ddof=1) / sizes.mean())
    assert asymmetry.values["VI", "left"] == pytest.approx(200 / 3)
    assert seen.counts["X", "left"] == 4 and seen.counts["X", "right"] == 5
    assert variation.text(("X", "left")) == "n/a" and share.values["X", "left"] == pytest.approx(2.5)
    assert seen.told["VI", "left"][-1] == "n = 5" and seen.missing == ""


def test_one_image_has_no_variation_and_none_no_map():
    seen = of_group(group(1))
    assert [measure.title for measure in seen.measures] == ["Median share of the cerebellum", "Median asymmetry"]
    assert "5 images or more" in seen.missing
    assert of_group(None) is None and of_group(group(1).assign(volume_mm3=np.nan)) is None
