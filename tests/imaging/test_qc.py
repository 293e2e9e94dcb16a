import nibabel as nib
import numpy as np
import pytest
from card import read_result

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.faces import at_field_edge
from cerebbids.imaging.qc import DEFINITIONS, RULES, light_of
from cerebbids.imaging.qcnumbers import (
    fluid_core,
    labels_in_pieces,
    lowest,
    measure_quality,
    one_sided,
    pieces,
    sides_swapped,
    told_by_networks,
)

SCHEME = load_scheme("Lobules")
AFFINE = np.diag([2.0, 2, 2, 1])
AFFINE[:3, 3] = (-40, -90, -70)
T1W_TO_MNI = np.diag([1.2, 1, 1, 1])
FACTS = {
    "confidence": {label.abbreviation: 0.9 for label in SCHEME.labels},
    "between_nets": 0.97,
    "with_quick": 0.9,
    "with_atlas": 0.85,
    "tissues": {"csf": 50.0, "gm": 150.0, "wm": 250.0},
}
GOOD = {
    "confidence_mean": 0.9, "confidence_least": 0.8, "nets_dice": 0.97, "quick_dice": 0.9,
    "atlas_dice": 0.84, "labels_missing": 0,
    "labels_in_pieces": 0, "pieces": 1, "volume_mni_cm3": 180, "one_sided_mm3": 30,
    "tissue_share": 0.85, "tissue_asymmetry": 0.01, "fluid_core_mm3": 90,
    "lowest_mm": -60, "at_field_edge": False, "sides_swapped": False,
}  # fmt: skip


def cerebellum() -> np.ndarray:
    """A block of 13 slabs a side, the left labels on the left."""
    labels = np.zeros((40, 30, 32), np.uint8)
    for k in range(13):
        labels[4:20, 2:28, 3 + 2 * k : 5 + 2 * k] = SCHEME.indices[k]
        labels[20:36, 2:28, 3 + 2 * k : 5 + 2 * k] = SCHEME.indices[k + 13]
    return labels


def measured(labels: np.ndarray, tissue: np.ndarray | None = None, t1w: np.ndarray | None = None, **facts):
    dseg = nib.Nifti1Image(labels, AFFINE)
    carved = nib.Nifti1Image(labels if tissue is None else labels * tissue, AFFINE)
    image = np.full(labels.shape, 150, np.float32) if t1w is None else t1w
    in_mni = nib.Nifti1Image(labels, T1W_TO_MNI @ AFFINE)
    return measure_quality(dseg, in_mni, carved, nib.Nifti1Image(image, AFFINE), FACTS | facts, T1W_TO_MNI)


def test_every_number_has_a_meaning_and_a_rule():
    assert list(measured(cerebellum())) == list(DEFINITIONS)
    ruled = [rule.metric for rule in RULES]
    assert ruled == list(GOOD) == [metric for metric in DEFINITIONS if metric != "snr"]


def test_a_good_one_is_green_and_what_is_not_known_is_no_fault():
    assert light_of(GOOD) == light_of(measured(cerebellum())) == ("green", ())
    assert light_of(dict.fromkeys(GOOD)) == ("green", ())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.metric)
def test_every_rule_turns_the_light(rule):
    beyond = (rule.red - rule.yellow) / 100
    light, (flag,) = light_of({**GOOD, rule.metric: rule.yellow + beyond})
    assert light == "yellow" and "{" not in flag
    assert light_of({**GOOD, rule.metric: rule.red + beyond})[0] == "red"


def test_red_flags_come_first():
    light, flags = light_of({**GOOD, "pieces": 2, "sides_swapped": True})
    assert light == "red" and [flag.split()[0] for flag in flags] == ["Left", "The"]


def test_labels_that_are_swapped_are_told_on_any_grid():
    labels = cerebellum()
    assert not sides_swapped(labels, AFFINE) and sides_swapped(labels[::-1], AFFINE)
    assert sides_swapped(labels, AFFINE @ np.diag([-1.0, 1, 1, 1]))
    assert not sides_swapped(0 * labels, AFFINE)


def test_pieces_are_counted():
    labels = cerebellum()
    assert (pieces(labels > 0), labels_in_pieces(labels)) == (1, 0)
    labels[:, 14:16] = 0
    assert (pieces(labels > 0), labels_in_pieces(labels)) == (2, 26)


def test_a_cyst_is_found_and_a_cistern_is_none():
    inside = cerebellum() > 0
    t1w = np.where(inside, 150, 40).astype(np.float32)
    image = nib.Nifti1Image(t1w, AFFINE)
    assert fluid_core(inside, image, FACTS["tissues"]) == 0
    t1w[8:14, 10:16, 12:20] = 40
    for named in (inside, inside & (t1w > 100)):  # whether it got labels or not
        assert fluid_core(named, nib.Nifti1Image(t1w, AFFINE), FACTS["tissues"]) == pytest.approx(6 * 6 * 8 * 8)


def test_missing_tissue_of_one_side_is_told():
    labels = cerebellum()
    tissue = np.ones(labels.shape, np.uint8)
    tissue[4:12] = 0
    found = measured(labels, tissue)
    assert found["tissue_share"] == 0.75 and found["tissue_asymmetry"] == 0.5
    assert light_of(found)[0] == "red"


@pytest.mark.parametrize("side", [slice(None), slice(None, None, -1)])
def test_what_one_side_lacks_is_told_but_not_its_outer_millimetres(side: slice):
    labels = cerebellum()
    assert one_sided(nib.Nifti1Image(labels, AFFINE)) == one_sided(nib.Nifti1Image(0 * labels, AFFINE)) == 0
    labels[20:36, 2:3] = 0  # one voxel of 2 mm
    assert one_sided(nib.Nifti1Image(labels[side], AFFINE)) == 0
    labels[26:36, 4:14, 9:19] = 0
    assert one_sided(nib.Nifti1Image(labels[side], AFFINE)) == pytest.approx(8 * 8**3, rel=0.1)


def test_a_small_cerebellum_is_told():
    labels = cerebellum()
    labels[:, 14:] = 0
    found = measured(labels)
    assert found["volume_mni_cm3"] == pytest.approx(1.2 * 32 * 12 * 26 * 8 / 1000, abs=0.1)
    assert light_of(found)[0] == "red"


def test_the_lowest_part_is_told_in_mm_of_the_template():
    labels = cerebellum()
    assert lowest(labels, AFFINE) == -70 + 2 * 3
    assert lowest(0 * labels, AFFINE) is None
    turned = AFFINE @ [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]  # the second axis runs upwards
    assert lowest(labels.swapaxes(1, 2), turned) == lowest(labels, AFFINE)


def test_numbers_of_the_template_s_space_come_from_there():
    labels = cerebellum()
    labels[26:36, 4:14, 9:19] = 0
    found = measured(labels)
    in_mni = nib.Nifti1Image(labels, T1W_TO_MNI @ AFFINE)
    assert found["one_sided_mm3"] == round(one_sided(in_mni), 1) != round(one_sided(nib.Nifti1Image(labels, AFFINE)), 1)
    moved = measure_quality(
        *[nib.Nifti1Image(labels, AFFINE)] * 4, FACTS, nib.affines.from_matvec(np.eye(3), (0, 0, -9))
    )
    assert moved["lowest_mm"] == -70 + 2 * 3 - 9


def test_what_the_networks_tell_stands_under_its_own_name():
    told = told_by_networks({**FACTS, "confidence": {"a": 0.9, "b": 0.6, "absent": 0}})
    assert told == {
        "confidence_mean": 0.75, "confidence_least": 0.6, "nets_dice": 0.97, "quick_dice": 0.9, "atlas_dice": 0.85
    }  # fmt: skip


def test_people_of_the_cross_validation_are_within_the_networks_limits():
    cascade = read_result("cascade")
    rows = cascade[cascade["by"] == "nets"]
    assert len(rows) == 20
    for rule in RULES:
        if rule.metric in rows:
            assert {rule.light(value) for value in rows[rule.metric]} == {"green"}, rule.metric
    assert {"nets_dice", "atlas_dice"} <= set(rows)


@pytest.mark.parametrize(("planes", "told"), [(6, True), (2, False)])
def test_a_cerebellum_cut_where_the_image_is_nothing_but_zero_is_told(planes: int, told: bool):
    image, labels = np.full(cerebellum().shape, 150, np.float32), cerebellum()
    image[:, :, :planes], labels[:, :, :planes] = 0, 0
    image[20, 15, planes - 1] = 3  # as denoising may leave it
    assert measured(labels, t1w=image)["at_field_edge"] is told


@pytest.mark.parametrize("mm", [1.0, 3.0])
def test_the_tip_of_a_cerebellum_without_skull_is_not_cut(mm: float):
    affine = np.diag([1, 1, mm, 1])
    places = nib.affines.apply_affine(affine, np.moveaxis(np.indices((80, 80, int(80 / mm))), 0, -1))
    labels = (np.linalg.norm(places - 40, axis=-1) < 30).astype(np.uint8)
    assert not at_field_edge(labels, nib.Nifti1Image(labels.astype(np.float32), affine))
    labels[places[..., 2] < 24] = 0
    assert at_field_edge(labels, nib.Nifti1Image(labels.astype(np.float32), affine))


def test_the_label_that_is_hardly_more_than_a_guess_is_named():
    unsure = {**GOOD, "confidence": {"L-VI": 0.9, "R-X": 0.5, "absent": 0.0}, "confidence_least": 0.5}
    assert light_of(unsure)[1] == ("R-X is hardly more than a guess (mean probability 0.50).",)


def test_a_cut_cerebellum_and_missing_labels_are_told():
    labels = cerebellum()[:, :, 6:]
    found = measured(labels)
    assert found["at_field_edge"] and found["labels_missing"] == 2
    assert light_of(found)[0] == "yellow"
