import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import sidecar_path
from cerebbids.cli import recount, run
from cerebbids.cli.tables import main
from cerebbids.imaging.labelmaps import labels_sha256
from tests.datasets import make_dataset
from tests.finished import (
    CRUS_I,
    FINE,
    NAMES,
    NATIVE,
    T1W_TO_MNI,
    TEMPLATE,
    contents,
    correct,
    path,
    places,
    save,
    sidecar_of,
    volume,
    voxels,
)


@pytest.mark.parametrize("subject", NAMES)
def test_correction_is_in_volumes_maps_quality_and_page(out, subject, capsys):
    dseg, before = path(out, subject, "dseg"), contents(out)
    volumes = volume(out, subject, "morph"), volume(out, subject, "carved_morph")
    added = correct(dseg)
    assert main([str(out), "--participant-label", subject]) == 0
    assert f"changed by hand: {dseg.name}\n" in capsys.readouterr().err

    labels = voxels(dseg)
    assert nib.load(dseg).get_data_dtype() == np.uint8 and (labels[added] == CRUS_I).all()
    np.testing.assert_array_equal(voxels(path(out, subject, "mask")), labels > 0)
    template = nib.load(path(out, subject, "dseg_mni"))
    middle = np.linalg.inv(template.affine) @ T1W_TO_MNI @ (*places(NATIVE)[added].mean(0), 1)
    assert voxels(path(out, subject, "dseg_mni"))[tuple(middle[:3].round().astype(int))] == CRUS_I
    assert volume(out, subject, "morph") == volumes[0] + np.count_nonzero(added)
    assert volume(out, subject, "carved_morph") == volumes[1]
    quality = json.loads(path(out, subject, "qc").read_text())
    assert quality["tissue_share"] < json.loads(before[path(out, subject, "qc")])["tissue_share"]
    page = (out / f"sub-{subject}.html").read_text()
    assert "<dt>Corrected by hand</dt><dd>seg-Lobules</dd>" in page
    assert f"{volume(out, subject, 'morph', 'Cerebellum', 'volume_mm3') / 1000:.1f} <small>cm³" in page
    other = next(name for name in NAMES if name != subject)
    assert all(file.read_bytes() == content for file, content in before.items() if f"sub-{other}" in str(file))


def test_surface_is_that_of_the_corrected_map_in_template_space(out, monkeypatch):
    drawn = []
    monkeypatch.setattr(recount, "surface_figure", lambda labels, scan, figure: drawn.append((labels, figure)))
    nib.save(nib.Nifti1Image(np.zeros(TEMPLATE[0], np.float32), TEMPLATE[1]), path(out, "01", "superres_mni"))
    added = correct(path(out, "01", "carved_fine"))
    assert main([str(out)]) == 0
    ((labels, figure),) = drawn  # of the other image there is no scan in template space
    assert labels.shape == TEMPLATE[0] and figure == path(out, "01", "figure_surface")
    where = np.linalg.inv(TEMPLATE[1]) @ T1W_TO_MNI @ (*places(FINE)[added].mean(0), 1)
    assert labels.dataobj[tuple(where[:3].round().astype(int))] == CRUS_I


def test_sidecars_tell_what_was_corrected_and_what_was_made_from_it(out):
    correct(path(out, "01", "dseg"))
    assert main([str(out)]) == 0
    told = {key: sidecar_of(out, "01", key) for key in ("dseg", "dseg_mni", "vermis", "mask", "morph", "carved")}
    made = {key: content["CerebBIDS"] for key, content in told.items()}
    assert [key for key in made if made[key].get("corrected")] == ["dseg"]
    assert [key for key in made if made[key].get("from_corrected")] == ["dseg_mni", "vermis", "mask", "morph"]
    manual = {"dseg": True, "dseg_mni": True, "vermis": True, "mask": None, "morph": None, "carved": False}
    assert {key: content.get("Manual") for key, content in told.items()} == manual
    for key in ("dseg", "dseg_mni", "vermis", "carved"):
        assert made[key]["labels_sha256"] == labels_sha256(voxels(path(out, "01", key)))
    assert "labels_sha256" not in made["mask"]


def test_second_time_changes_nothing(untouched):
    out = untouched
    for key in ("dseg", "carved_fine"):
        correct(path(out, "01", key))
    assert main([str(out), "--participant-label", "01"]) == 0
    before = contents(out)
    assert main([str(out), "--participant-label", "01"]) == 0
    assert contents(out) == before


def test_what_is_corrected_at_half_a_millimetre_is_in_the_volumes_of_that_map(out):
    before = volume(out, "01", "carved_morph", column="volume_mm3")
    added = correct(path(out, "01", "carved_fine"))
    assert main([str(out)]) == 0
    assert volume(out, "01", "carved_morph", column="volume_mm3") == before + np.count_nonzero(added)
    assert sidecar_of(out, "01", "carved_morph")["CerebBIDS"]["from_corrected"]
    assert "corrected" not in sidecar_of(out, "01", "dseg")["CerebBIDS"]


def test_vermis_follows_the_lobules_until_it_is_corrected_itself(out):
    dseg, vermis = path(out, "01", "dseg"), path(out, "01", "vermis")
    labels, older = voxels(dseg).copy(), voxels(vermis)
    upmost = np.isin(labels, (12, 112))
    labels[upmost] -= 1
    save(dseg, labels)
    assert main([str(out)]) == 0
    np.testing.assert_array_equal(voxels(vermis), np.where((older != 73) & upmost, older - 1, older))

    corrected = np.where(older == 71, 72, older).astype(np.uint8)
    save(vermis, corrected)
    assert main([str(out)]) == 0
    for labels[labels == 5] in (4, 3):  # changed twice
        save(dseg, labels)
        assert main([str(out)]) == 0
    np.testing.assert_array_equal(voxels(vermis), corrected)
    assert volume(out, "01", "vermis_morph", "Vermis I-V") == 0
    assert sidecar_of(out, "01", "vermis")["CerebBIDS"]["corrected"]


def test_warning_about_labels_goes_with_its_cause_and_those_of_other_steps_stay(out):
    dseg, kept = path(out, "01", "dseg"), sidecar_of(out, "01", "dseg")["CerebBIDS"]
    labels = voxels(dseg).copy()
    save(dseg, np.where(labels == 12, 0, labels).astype(np.uint8))
    assert main([str(out)]) == 0
    worse = sidecar_of(out, "01", "carved")["CerebBIDS"]
    assert set(worse["warnings"]) - set(kept["warnings"]) >= {"Left X was not found."} and worse["light"] != "green"
    save(dseg, labels)
    assert main([str(out)]) == 0
    told = sidecar_of(out, "01", "dseg")["CerebBIDS"]
    assert told.pop("corrected") and told.pop("confidence_of").startswith("labels before") and told == kept
    assert {"Shifted.", "Nothing was looked at."} <= set(told["warnings"])


def test_whole_numbers_that_an_editor_saved_as_floats_are_no_change(out):
    before = contents(out)
    for key in ("dseg", "carved", "carved_fine", "vermis"):
        save(path(out, "01", key), voxels(path(out, "01", key)).astype(np.float64)[..., None])
    assert main([str(out), "--participant-label", "01"]) == 0
    for key in ("dseg", "carved", "carved_fine", "vermis"):
        stored = nib.load(path(out, "01", key))
        assert stored.get_data_dtype() == np.uint8 and stored.ndim == 3
        assert sidecar_path(path(out, "01", key)).read_bytes() == before[sidecar_path(path(out, "01", key))]


def forget_hash(out: Path, key: str) -> None:
    """Let a map's sidecar be of an older version."""
    content = sidecar_of(out, "01", key)
    del content["CerebBIDS"]["labels_sha256"], content["CerebBIDS"]["warnings_of_steps"]
    sidecar_path(path(out, "01", key)).write_text(json.dumps(content))


def test_map_without_a_hash_counts_as_unchanged_and_gets_none(out, capsys):
    dseg, carved = path(out, "01", "dseg"), path(out, "01", "carved")
    forget_hash(out, "dseg")
    correct(dseg)
    before, noted = contents(out), sidecar_of(out, "01", "carved")["CerebBIDS"]["labels_sha256"]
    for _ in range(2):
        assert main([str(out)]) == 0
        told = "sub-01: done, taken for unchanged, as there is no hash in their sidecars to tell by: "
        assert f"{told}{dseg.name}\n" in capsys.readouterr().err
        assert path(out, "01", "mask").read_bytes() == before[path(out, "01", "mask")]
        assert not sidecar_of(out, "01", "dseg")["Manual"]
        assert "labels_sha256" not in sidecar_of(out, "01", "dseg")["CerebBIDS"]
    assert sidecar_of(out, "01", "carved")["CerebBIDS"]["labels_sha256"] == noted == labels_sha256(voxels(carved))


def test_map_that_may_be_hand_work_is_still_told_to_be_replaced_after_a_recount(out, tmp_path, capsys):
    raw = make_dataset(tmp_path / "raw", *NAMES.values())
    forget_hash(out, "dseg")
    correct(path(out, "01", "dseg"))
    plan = [str(raw), str(out), "participant", "--dry-run"]
    assert run.main(plan) == 0
    warning = capsys.readouterr().err
    assert path(out, "01", "dseg").name in warning and warning.endswith("; a run replaces it\n")
    assert main([str(out)]) == 0
    capsys.readouterr()
    assert run.main(plan) == 0
    assert capsys.readouterr().err == warning


def test_map_without_a_hash_that_was_made_again_gets_one(out):
    for key in ("dseg_mni", "carved"):
        forget_hash(out, key)
    correct(path(out, "01", "dseg"))
    assert main([str(out)]) == 0
    made = sidecar_of(out, "01", "dseg_mni")["CerebBIDS"]
    assert made["from_corrected"] and made["labels_sha256"] == labels_sha256(voxels(path(out, "01", "dseg_mni")))
    assert "labels_sha256" not in sidecar_of(out, "01", "carved")["CerebBIDS"]


def test_vermis_that_may_be_hand_work_is_never_replaced(out, capsys):
    forget_hash(out, "vermis")
    correct(path(out, "01", "dseg"))
    before = contents(out)
    assert main([str(out)]) == 1
    assert f"{path(out, '01', 'vermis')}: may have been corrected by hand" in capsys.readouterr().err
    assert {name: data for name, data in contents(out).items() if name in before and "sub-01" in name.name} == {
        name: data for name, data in before.items() if "sub-01" in name.name
    }


def test_volumes_of_a_vermis_that_was_moved_away_are_not_left_behind(out, tmp_path):
    forget_hash(out, "vermis")
    correct(path(out, "01", "dseg"))
    told = sidecar_path(path(out, "01", "vermis")).read_bytes()
    path(out, "01", "vermis").rename(tmp_path / "vermis.nii.gz")
    assert main([str(out)]) == 0
    table = path(out, "01", "vermis_morph")
    assert not table.exists() and not sidecar_path(table).exists()
    assert sidecar_path(path(out, "01", "vermis")).read_bytes() == told
    assert "LobulesVermis" not in (out / "sub-01.html").read_text().partition("<h2>Methods")[0]


def test_confidence_is_said_to_be_older_than_the_correction(out):
    low = sidecar_of(out, "01", "dseg")
    low["CerebBIDS"]["confidence"] = dict.fromkeys(low["CerebBIDS"]["confidence"], 0.7)
    sidecar_path(path(out, "01", "dseg")).write_text(json.dumps(low))
    older = "before labels were corrected by hand"
    assert main([str(out)]) == 0
    assert older not in path(out, "01", "qc").read_text() + (out / "sub-01.html").read_text()
    correct(path(out, "01", "dseg"))
    assert main([str(out)]) == 0
    quality = json.loads(path(out, "01", "qc").read_text())
    assert [key for key, meaning in quality["definitions"].items() if older in meaning] == [
        "confidence_mean", "confidence_least", "nets_dice", "quick_dice", "atlas_dice", "confidence"
    ]  # fmt: skip
    assert quality["confidence"] == low["CerebBIDS"]["confidence"]
    flag = f"The labels are not sure (mean probability 0.70). So it was {older}."
    assert flag in quality["flags"] and flag in sidecar_of(out, "01", "dseg")["CerebBIDS"]["warnings"]
    page = (out / "sub-01.html").read_text()
    assert "<b>Corrected by hand</b> seg-Lobules" in page
    assert flag in page and f"mean of all labels, {older}</dt>" in page
    assert sidecar_of(out, "01", "confidence")["CerebBIDS"]["confidence_of"].startswith("labels before")
    assert older not in path(out, "02", "qc").read_text()


@pytest.mark.parametrize("saved", [1, 2, 3])
def test_correction_taken_back_after_an_interruption_leaves_nothing_of_itself(out, saved, monkeypatch):
    made = {key: voxels(path(out, "01", key)).copy() for key in ("dseg", "mask", "dseg_mni", "vermis")}
    correct(path(out, "01", "dseg"))
    with monkeypatch.context() as patched:
        patched.setattr(recount, "_store", lambda _: None)
        patched.setattr(recount, "save_labels", give_up_after(saved, recount.save_labels))
        patched.setattr(recount, "_write_sidecars", give_up_after(0, recount._write_sidecars))
        assert main([str(out), "--participant-label", "01"]) == 1
    save(path(out, "01", "dseg"), made["dseg"])
    assert main([str(out)]) == 0
    for key, labels in made.items():
        np.testing.assert_array_equal(voxels(path(out, "01", key)), labels)
    for key in ("dseg_mni", "vermis"):
        assert sidecar_of(out, "01", key)["CerebBIDS"]["labels_sha256"] == labels_sha256(voxels(path(out, "01", key)))


def give_up_after(times: int, function: Callable[..., None]) -> Callable[..., None]:
    """Let a function do its work so often, and then fill the disk."""
    left = iter(range(times))

    def limited(*arguments: object) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        function(*arguments)

    return limited


@pytest.mark.parametrize("step", ["_store", "_write_tables", "_draw", "save_labels", "_write_sidecars"])
def test_what_ended_in_the_middle_is_made_good_by_the_next_run(out, step, monkeypatch, tmp_path):
    correct(path(out, "01", "dseg"))
    expected = shutil.copytree(out, tmp_path / "expected")
    assert main([str(expected)]) == 0

    def give_up(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(recount, step, give_up)
        assert main([str(out)]) == 1
    assert main([str(out)]) == 0
    assert {file.relative_to(out): content for file, content in contents(out).items()} == {
        file.relative_to(expected): content for file, content in contents(expected).items()
    }
