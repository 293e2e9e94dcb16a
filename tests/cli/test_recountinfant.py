"""Tissues of infants that somebody has corrected, on a small grid whose voxels are longer along one axis."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.names import OF_LABELS, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.cli import recountclasses
from cerebbids.cli.recountinfant import cerebellum_of
from cerebbids.cli.tables import main
from cerebbids.files import write_text
from cerebbids.imaging.labelmaps import labels_sha256
from cerebbids.interfaces.classes import CheckClasses, MeasureClasses
from cerebbids.interfaces.sink import DerivativesDataSink
from cerebbids.reports import mosaic
from cerebbids.reports.infant import class_doubt
from tests.datasets import make_dataset
from tests.finished import contents, save, voxels

FLUID, GREY, WHITE = 1, 2, 3
ZOOMS = (0.8, 0.8, 1.6)
SHAPE = (56, 50, 24)
"""Less than 60 mm in all directions."""
CEREBELLUM = np.s_[10:36, 10:40, 6:18]
BRAINSTEM = np.s_[36:46, 20:30, 6:18]
FACTS = {
    "warnings": [], "cut_out": True, "skull_stripped": True,
    "brain_cm3": None, "backwards": False, "trust_mean": 0.95, "doubtful_share": 0.02,
    "probability_mean": 0.93, "months": 24.0, "model_months": 24,
}  # fmt: skip


def tissues() -> np.ndarray:
    """Grey around white matter, and a brainstem of white matter beside it."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[CEREBELLUM] = GREY
    labels[15:31, 15:35, 8:16] = WHITE
    labels[BRAINSTEM] = WHITE
    return labels


def finish_infant(out: Path, work: Path, subject: str) -> None:
    """Write what a run leaves of an infant, but for the figures."""
    relative = f"sub-{subject}/anat/sub-{subject}_T1w.nii.gz"
    image = SourceImage(make_dataset(work / "raw", relative.removesuffix("_T1w.nii.gz")) / relative, subject, relative)
    labels, cerebellum = tissues(), np.zeros(SHAPE, np.uint8)
    cerebellum[CEREBELLUM] = 1
    shares = (255 * (np.arange(4) == labels[..., None])).astype(np.uint8)
    shares[10, 10:40, 6:18] = 127, 0, 127, 1  # grey matter by less than a step
    trust = np.where(labels, 230, 0).astype(np.uint8)
    maps = {"t1w": (labels * 100.0 + 50).astype(np.float32), "tissues": labels, "mask": cerebellum}
    maps |= {"tissues_probseg": shares, "tissues_confidence": trust}
    folder = work / subject
    folder.mkdir()
    files = {}
    for key, data in maps.items():
        made = nib.Nifti1Image(data, np.diag([*ZOOMS, 1]))
        made.set_sform(made.affine, 1)
        if key in ("tissues_probseg", "tissues_confidence"):
            made.header.set_slope_inter(1 / 255, 0)
        files[key] = folder / f"{key}.nii.gz"
        nib.save(made, files[key])
    (folder / "facts.json").write_text(json.dumps(FACTS))
    given = {"dseg": str(files["tissues"]), "mask": str(files["mask"]), "system": "infant"}
    checked = CheckClasses(**given, facts=str(folder / "facts.json"), version="1").run(cwd=str(folder)).outputs
    files["tissues_qc"] = Path(checked.qc)
    files["tissues_morph"] = Path(MeasureClasses(**given).run(cwd=str(folder)).outputs.out_file)
    for key, file in files.items():
        told = {"meta_dict": checked.meta} if key in OF_LABELS else {}
        where = {"base_directory": str(out), "source_file": str(image.path)}
        DerivativesDataSink(key, in_file=str(file), **told, **where, **sidecar(key, image)).run(cwd=str(folder))


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two infants, whose pictures are drawn in no time."""
    (tmp_path / "out").mkdir()
    for subject in ("01", "02"):
        finish_infant(tmp_path / "out", tmp_path, subject)
    monkeypatch.setattr(recountclasses, "class_mosaic", lambda *paths: write_text(paths[-1], "<svg/>"))
    monkeypatch.setattr(recountclasses, "class_doubt", lambda *paths: write_text(paths[-1], "<svg/>"))
    return tmp_path / "out"


def path(out: Path, key: str, subject: str = "01") -> Path:
    return out / derivative_path(f"sub-{subject}_T1w.nii.gz", key)


def volumes(out: Path) -> dict[str, int]:
    table = pd.read_csv(path(out, "tissues_morph"), sep="\t")
    return dict(zip(table["name"], table["n_voxels"], strict=True))


def count(out: Path) -> dict[str, int]:
    assert main([str(out), "--participant-label", "01"]) == 0
    return volumes(out)


def edited(part: tuple[slice, ...], value: int) -> np.ndarray:
    labels = tissues()
    labels[part] = value
    return labels


def test_nothing_corrected_nothing_changed(out):
    before = contents(out)
    for _ in range(2):
        count(out)
        after = contents(out)
        assert {file: after[file] for file in before if file.suffix in (".tsv", ".json") and "anat" in file.parts} == {
            file: data for file, data in before.items() if file.suffix in (".tsv", ".json") and "anat" in file.parts
        }
        np.testing.assert_array_equal(voxels(path(out, "mask")), voxels(path(out, "mask", "02")))


@pytest.mark.parametrize("part", [CEREBELLUM, np.s_[10:20, 10:40, 6:18], np.s_[30:40, 20:30, 6:18], BRAINSTEM])
def test_what_was_erased_and_drawn_again_is_cerebellum_as_before(out, part):
    first, mask = volumes(out), voxels(path(out, "mask")).copy()
    save(path(out, "tissues"), edited(part, 0))
    erased = count(out)
    lost = np.zeros(SHAPE, bool)
    lost[part] = True
    assert first["Cerebellum"] - erased["Cerebellum"] == np.count_nonzero(lost & (mask > 0))
    save(path(out, "tissues"), tissues())
    assert count(out) == first
    np.testing.assert_array_equal(voxels(path(out, "mask")), mask)


def test_new_labels_go_to_what_is_nearer_and_go_away_again(out):
    first, mask = volumes(out), voxels(path(out, "mask")).copy()
    beside_cerebellum, beside_brainstem = np.s_[6:10, 20:30, 6:18], np.s_[46:50, 20:30, 6:18]
    labels = edited(beside_cerebellum, GREY)
    labels[beside_brainstem] = GREY
    save(path(out, "tissues"), labels)
    for _ in range(2):
        assert count(out) == first | {name: first[name] + 480 for name in ("Grey matter", "Cerebellum")}
        made = voxels(path(out, "mask"))
        assert made[beside_cerebellum].all() and not made[beside_brainstem].any()
    save(path(out, "tissues"), tissues())
    assert count(out) == first
    np.testing.assert_array_equal(voxels(path(out, "mask")), mask)


def test_nearer_is_what_is_nearer_in_mm():
    found, before = np.zeros((9, 9, 1), bool), np.zeros((9, 9, 1), bool)
    before[4, 0] = found[4, 0] = found[1, 4] = True  # the cerebellum four voxels away, what is beside it three
    labels = np.zeros(found.shape, np.uint8)
    labels[4, 4] = GREY
    assert not cerebellum_of(labels, before, found, (1, 1, 1))[4, 4]
    assert cerebellum_of(labels, before, found, (1.6, 0.8, 1))[4, 4]


@pytest.mark.parametrize("step", ["write_volumes", "class_doubt", "_write_sidecars"])
def test_what_was_ended_in_the_middle_changes_no_owner(out, step, monkeypatch):
    first, mask = volumes(out), voxels(path(out, "mask")).copy()
    labels = edited(np.s_[30:40, 20:30, 6:18], 0)
    labels[6:10, 20:30, 6:18] = GREY
    save(path(out, "tissues"), labels)

    def give_up(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(recountclasses, step, give_up)
        assert main([str(out), "--participant-label", "01"]) == 1
    ended = count(out)
    assert ended["Grey matter"] != first["Grey matter"]
    save(path(out, "tissues"), tissues())
    assert count(out) == first
    np.testing.assert_array_equal(voxels(path(out, "mask")), mask)


def test_sidecars_and_page_say_that_confidence_is_older(out):
    save(path(out, "tissues"), edited(np.s_[15:20, 15:35, 8:16], GREY))
    count(out)
    for key in ("tissues", "tissues_confidence", "tissues_probseg", "mask", "tissues_morph"):
        told = json.loads(sidecar_path(path(out, key)).read_text())["CerebBIDS"]
        assert told["confidence_of"] == "labels before their correction by hand"
    told = json.loads(sidecar_path(path(out, "tissues")).read_text())["CerebBIDS"]
    assert told["corrected"] and told["labels_sha256"] == labels_sha256(voxels(path(out, "tissues")))
    assert "Of the labels before their correction by hand" in (out / "sub-01.html").read_text()


@pytest.mark.parametrize("key", ["t1w", "mask", "tissues_probseg", "tissues_confidence"])
@pytest.mark.parametrize("fault", ["truncated", "cut", "gone"])
def test_fault_of_one_image_is_a_line_and_the_other_is_counted(out, key, fault, capsys):
    file = path(out, key)
    save(path(out, "tissues"), edited(np.s_[10:20, 10:40, 6:18], 0))
    if fault == "truncated":
        file.write_bytes(file.read_bytes()[:-40])
    elif fault == "cut":
        nib.save(nib.load(file).slicer[:-2], file)
    else:
        file.unlink()
    before = contents(out / "sub-01")
    assert main([str(out)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert sum("is truncated" in line or "is not on the grid" in line or "does not exist" in line for line in said) == 1
    assert any(line.startswith("sub-02: done") for line in said) and not any("Traceback" in line for line in said)
    assert contents(out / "sub-01") == before


def test_labels_given_by_hand_are_not_painted_as_doubtful(out, monkeypatch):
    shown = []
    real = mosaic.tinted

    def tinted(scan: np.ndarray, probability: np.ndarray) -> np.ndarray:
        shown.append(float(probability.min()))
        return real(scan, probability)

    monkeypatch.setattr(mosaic, "tinted", tinted)
    save(path(out, "tissues"), edited(np.s_[4:10, 10:40, 6:18], GREY))
    t1w, tissues_of, trust = (path(out, key) for key in ("t1w", "tissues", "tissues_confidence"))
    class_doubt(t1w, tissues_of, "CerebellumTissue", trust, out / "trust.svg")
    assert len(shown) == 9 and min(shown) == pytest.approx(230 / 255, abs=0.01)
