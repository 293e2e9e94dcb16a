from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.names import DERIVATIVES, REPORTS, YIELDS
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar

RELATIVE = "sub-01/anat/sub-01_T1w.nii.gz"
IMAGE = SourceImage(Path("/data") / RELATIVE, "01", RELATIVE)


DESCRIBED = [
    key
    for key, told in DERIVATIVES.items()
    if told.get("datatype") != "figures" and told["suffix"] != "qc" and key not in REPORTS
]


@pytest.mark.parametrize("key", DESCRIBED)
def test_every_derivative_describes_itself_without_inheriting(key):
    content = sidecar(key, IMAGE)
    assert content["Description"] and content["Sources"] == [f"bids:raw:{RELATIVE}"]
    if DERIVATIVES[key]["suffix"] in ("dseg", "mask", "T1w"):
        in_template = "space" in DERIVATIVES[key]
        assert ("MNI152NLin2009aSym" in content["SpatialReference"]) == in_template
        assert ("Resolution" in content) == ("res" in DERIVATIVES[key])


def test_labels_say_what_their_convention_counts_in():
    for key in ("carved", "carved_fine", "carved_mni", "carved_morph"):
        told = sidecar(key, IMAGE)["Description"]
        assert "without the cerebrospinal fluid" in told and "not the peduncles" in told
    for key in ("dseg", "dseg_mni", "morph"):
        assert "with the thin cerebrospinal fluid" in sidecar(key, IMAGE)["Description"]


def test_a_table_says_on_which_map_its_volumes_were_measured():
    assert "0.5 mm" in sidecar("carved_morph", IMAGE)["volume_mm3"]["Description"]
    assert "0.5 mm" not in sidecar("morph", IMAGE)["volume_mm3"]["Description"]
    for key in ("morph", "carved_morph"):
        assert "on the grid of the T1w image" in sidecar(key, IMAGE)["n_voxels"]["Description"]


def test_a_synthetic_t2w_image_says_what_made_it_and_where_it_is_empty():
    for key in ("t2w_synth", "t2w_synth_mni"):
        content = sidecar(key, IMAGE)
        assert content["SyntheticImage"] and "not acquired" in content["Description"]
        assert "a network changed the T1w image" in content["Description"]
        assert "0 outside of the intracranial cavity, or of the brain where no cavity" in content["Description"]


def test_t2w_derivatives_cite_the_t2w_image_too():
    image = replace(IMAGE, t2w=Path("/data/sub-01/anat/sub-01_T2w.nii"))
    both = ["bids:raw:sub-01/anat/sub-01_T2w.nii", f"bids:raw:{RELATIVE}"]
    cited = {key: sidecar(key, image)["Sources"] for key in DESCRIBED}
    assert {key for key, sources in cited.items() if sources == both} == {"t2w", "t2w_mni"}


def test_labels_of_pairs_cite_both_images():
    image = replace(IMAGE, t2w=Path("/data/sub-01/anat/sub-01_T2w.nii"), system="neonatal")
    cited = {key: sidecar(key, image)["Sources"] for key in YIELDS["neonatal"] & {*DESCRIBED}}
    alone = {key for key, sources in cited.items() if sources == [image.uri]}
    assert alone == {"t1w", "shown"} and all(cited[key] == [image.t2w_uri, image.uri] for key in cited.keys() - alone)
