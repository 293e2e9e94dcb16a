import subprocess
import sys

import pytest

from cerebbids.bids.names import DERIVATIVES, derivative_path

SOURCES = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_ce-gd_rec-norm_run-01_echo-1_part-mag_T1w.nii",
)


@pytest.mark.parametrize("key", DERIVATIVES)
def test_name_starts_with_the_whole_name_of_the_source(key):
    for source in SOURCES:
        path = derivative_path(f"/data/{source}", key)
        stem = source.rsplit("/", 1)[1].rsplit("_", 1)[0]
        assert path.name.startswith(f"{stem}_")
        folder = "sub-01/figures" if DERIVATIVES[key].get("datatype") == "figures" else source.rsplit("/", 1)[0]
        assert str(path.parent) == folder


def test_names_differ_from_each_other_and_from_those_of_another_image():
    paths = [derivative_path(f"/data/{source}", key) for source in SOURCES for key in DERIVATIVES]
    assert len(set(paths)) == len(paths)


def test_entities_are_in_the_order_of_bids():
    name = derivative_path(SOURCES[0], "dseg_mni").name
    assert name == "sub-01_space-MNI152NLin2009aSym_seg-Lobules_res-1_dseg.nii.gz"


def test_labels_of_the_two_conventions_are_told_apart():
    names = {key: derivative_path(SOURCES[0], key).name for key in DERIVATIVES if key.startswith("carved")}
    assert names == {
        "carved": "sub-01_seg-DeepCERES_dseg.nii.gz",
        "carved_fine": "sub-01_seg-DeepCERES_res-0p5mm_dseg.nii.gz",
        "carved_mni": "sub-01_space-MNI152NLin2009aSym_seg-DeepCERES_res-0p5mm_dseg.nii.gz",
        "carved_morph": "sub-01_seg-DeepCERES_morph.tsv",
        "carved_report": "sub-01_seg-DeepCERES_report.pdf",
        "carved_report_csv": "sub-01_seg-DeepCERES_report.csv",
        "carved_snapshot": "sub-01_seg-DeepCERES_desc-snapshot_dseg.png",
    }


@pytest.mark.parametrize(
    "module",
    ["bids.names", "bids.found", "bids.sidecars", "bids.filters", "bids.query", "bids.dataset", "cli.environment"],
)
def test_names_and_settings_load_no_imaging(module):
    code = (
        f"import sys, cerebbids.{module}\n"
        "sys.exit(' '.join({'numpy', 'nibabel', 'cerebbids.imaging'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stderr.strip() == ""
