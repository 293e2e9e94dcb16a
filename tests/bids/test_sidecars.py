from pathlib import Path

import pytest

from cerebbids.bids.names import DERIVATIVES
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar

RELATIVE = "sub-01/anat/sub-01_T1w.nii.gz"
IMAGE = SourceImage(Path("/data") / RELATIVE, "01", RELATIVE)


@pytest.mark.parametrize("key", [key for key in DERIVATIVES if not key.startswith("figure")])
def test_every_derivative_describes_itself_without_inheriting(key):
    content = sidecar(key, IMAGE)
    assert content["Description"] and content["Sources"] == [f"bids:raw:{RELATIVE}"]
    if DERIVATIVES[key]["suffix"] in ("dseg", "mask", "T1w"):
        in_template = "space" in DERIVATIVES[key]
        assert ("MNI152NLin2009aSym" in content["SpatialReference"]) == in_template
        assert ("Resolution" in content) == ("res" in DERIVATIVES[key])
