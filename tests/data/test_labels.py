from cerebbids.bids.names import SCHEMES
from cerebbids.data.labels import load_scheme, table_path

LOBULES = ["I-II", "III", "IV", "V", "VI", "Crus I", "Crus II", "VIIB", "VIIIA", "VIIIB", "IX", "X"]


def test_indices_are_those_of_the_cobralab_atlas():
    scheme = load_scheme("Lobules")
    assert scheme.indices == (*range(1, 14), *range(101, 114))
    assert [label.region for label in scheme.labels] == 2 * [*LOBULES, "white matter"]


def test_both_conventions_have_the_same_regions():
    one, other = (table_path(name).read_text() for name in SCHEMES)
    assert len(SCHEMES) == 2 and one == other


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


def test_colors_tell_labels_apart():
    colors = [label.color for label in load_scheme("Lobules").labels]
    assert len(set(colors)) == len(colors)
