import pytest

from cerebbids.bids.names import CARVED, COMPARTMENTS, SCHEMES, VERMIS
from cerebbids.data.labels import load_scheme, table_path

LOBULES = ["I-II", "III", "IV", "V", "VI", "Crus I", "Crus II", "VIIB", "VIIIA", "VIIIB", "IX", "X"]


def test_indices_are_those_of_the_cobralab_atlas():
    scheme = load_scheme("Lobules")
    assert scheme.indices == (*range(1, 14), *range(101, 114))
    assert [label.region for label in scheme.labels] == 2 * [*LOBULES, "white matter"]


def test_both_conventions_have_the_same_regions():
    assert table_path(COMPARTMENTS).read_text() == table_path(CARVED).read_text()


def test_the_scheme_with_a_vermis_has_three_parts_of_it_beside_the_same_labels():
    labels, others = load_scheme(VERMIS).labels, load_scheme(COMPARTMENTS).labels
    assert [label for label in labels if label.hemisphere != "midline"] == list(others)
    parts = [label for label in labels if label.hemisphere == "midline"]
    assert {part.index: part.region for part in parts} == {71: "I-V", 72: "VI-VII", 73: "VIII-X"}
    mirror = load_scheme(VERMIS).mirror
    assert mirror[14:17] == (14, 15, 16) and mirror[1] == 17 and {*mirror} == set(range(30))


@pytest.mark.parametrize("name", SCHEMES)
def test_colors_tell_labels_apart(name: str):
    colors = [label.color for label in load_scheme(name).labels]
    assert len(set(colors)) == len(colors)


def test_side_and_tissue_follow_from_the_index():
    for label in load_scheme("Lobules").labels:
        assert label.hemisphere == ("right" if label.index > 100 else "left")
        assert label.name.lower().startswith(label.hemisphere)
        assert label.tissue == ("WM" if label.index % 100 == 13 else "GM")


def test_mirror_swaps_sides_and_undoes_itself():
    scheme = load_scheme("Lobules")
    for channel, label in enumerate(scheme.labels, 1):
        other = scheme.labels[scheme.mirror[channel] - 1]
        assert (other.region, other.hemisphere != label.hemisphere) == (label.region, True)
        assert scheme.mirror[scheme.mirror[channel]] == channel
