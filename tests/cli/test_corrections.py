import json
from pathlib import Path

import numpy as np
import pytest

from cerebbids.bids.names import LABEL_MAPS, sidecar_path
from cerebbids.cli.corrections import find_correction, maps_without_hash, told_correction
from cerebbids.errors import BadImage, RegistrationFailed, SegmentationFailed
from tests.finished import NAMES, correct, path, save, sidecar_of, voxels

SOURCE = f"{NAMES['01']}_T1w.nii.gz"
THERE = ("dseg", "dseg_mni", "carved", "carved_fine", "vermis")


def tell(out: Path, key: str, **facts: object) -> None:
    """Put facts in the place of the hash in a map's sidecar."""
    content = sidecar_of(out, "01", key)
    del content["CerebBIDS"]["labels_sha256"]
    content["CerebBIDS"] |= facts
    sidecar_path(path(out, "01", key)).write_text(json.dumps(content))


def test_untouched_maps_are_no_correction(untouched):
    assert find_correction(untouched, SOURCE) is None and maps_without_hash(untouched, SOURCE) == ()
    for key in THERE:
        file = path(untouched, "01", key)
        save(file, voxels(file).astype(np.float64)[..., None])  # as an editor does
    assert find_correction(untouched, SOURCE) is None


@pytest.mark.parametrize("key", THERE)
def test_map_that_does_not_fit_its_hash_is_a_correction_until_it_is_moved_away(untouched, key):
    file = path(untouched, "01", key)
    assert correct(file).any()
    found = find_correction(untouched, SOURCE)
    assert (untouched / found.subject, found.reason[:21]) == (file, "was corrected by hand")
    assert ("own grid" in found.mend) is key.endswith("_mni")
    assert not isinstance(found, BadImage | RegistrationFailed | SegmentationFailed)
    file.unlink()
    assert find_correction(untouched, SOURCE) is None


@pytest.mark.parametrize("value", [0.5, 300, -1, np.nan])
def test_values_that_are_no_labels_are_a_change(untouched, value):
    file = path(untouched, "01", "dseg")
    labels = voxels(file).astype(np.float32)
    labels[0, 0, 0] = value
    save(file, labels)
    assert find_correction(untouched, SOURCE)


def test_correction_that_was_counted_is_known_by_its_sidecar(untouched):
    tell(untouched, "carved", corrected=True)
    path(untouched, "01", "dseg").write_bytes(b"")  # voxels are looked at afterwards
    for find in (find_correction, told_correction):
        assert find(untouched, SOURCE).subject.endswith("_seg-DeepCERES_dseg.nii.gz")


def test_sidecars_alone_are_asked_without_reading_a_voxel(untouched):
    path(untouched, "01", "dseg").write_bytes(b"")
    assert find_correction(untouched, SOURCE) and not told_correction(untouched, SOURCE)
    sidecar_path(path(untouched, "01", "dseg")).write_text("{")
    assert "cannot be read" in told_correction(untouched, SOURCE).reason


def test_what_cannot_be_read_may_be_a_correction(untouched):
    file, text = path(untouched, "01", "dseg"), sidecar_path(path(untouched, "01", "carved_fine"))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert find_correction(untouched, SOURCE).reason.startswith("is truncated or damaged, may have been corrected")
    file.write_bytes(content)
    text.write_text("{")
    found = find_correction(untouched, SOURCE)
    assert found.subject.endswith("_res-0p5mm_dseg.nii.gz") and f"{text.name} cannot be read" in found.reason


def test_without_a_hash_nobody_can_tell(untouched):
    for key in THERE:
        correct(path(untouched, "01", key))
        tell(untouched, key)
    assert find_correction(untouched, SOURCE) is None
    expected = [path(untouched, "01", key) for key in LABEL_MAPS if key in THERE]
    assert [untouched / name for name in maps_without_hash(untouched, SOURCE)] == expected
    for key in THERE:
        sidecar_path(path(untouched, "01", key)).unlink()
    assert len(maps_without_hash(untouched, SOURCE)) == len(THERE)


def test_hash_that_a_recount_has_taken_out_is_no_older_version_s(untouched):
    tell(untouched, "dseg_mni", labels_sha256=None)
    assert find_correction(untouched, SOURCE) is None and maps_without_hash(untouched, SOURCE) == ()
