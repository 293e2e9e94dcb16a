import gzip
import io
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from rich.console import Console

from cerebbids.bids.names import derivative_path
from cerebbids.bids.query import SourceImage
from cerebbids.cli import preflight, progress
from cerebbids.cli.preflight import choose_device, corrected_images, has_gpu_driver, refused_images
from cerebbids.errors import UsageError
from tests.datasets import make_dataset
from tests.finished import NAMES, correct, path


def image(raw: Path, subject: str) -> SourceImage:
    relative = f"sub-{subject}/anat/sub-{subject}_T1w.nii.gz"
    return SourceImage(raw / relative, subject, relative)


def test_each_image_that_cannot_be_processed_is_named_with_its_reason(tmp_path):
    subjects = ("good", "empty", "series", "nan", "text")
    raw = make_dataset(tmp_path, *(f"sub-{subject}/anat/sub-{subject}" for subject in subjects))
    images = {subject: image(raw, subject) for subject in subjects}
    noise = np.random.default_rng(0).random((40, 40, 40), np.float32)
    affine = np.diag([2.0, 2, 2, 1])
    nib.save(nib.Nifti1Image(noise, affine), images["good"].path)
    nib.save(nib.Nifti1Image(np.stack([noise, noise], axis=-1), affine), images["series"].path)
    nib.save(nib.Nifti1Image(np.full_like(noise, np.nan), affine), images["nan"].path)
    images["empty"].path.write_bytes(b"")
    images["text"].path.write_text("not an image")

    refused = {found.subject: str(error) for found, error in refused_images(list(images.values()), 4, 4.0)}
    assert set(refused) == set(subjects) - {"good"}
    for subject, line in refused.items():
        assert f"sub-{subject}_T1w.nii.gz: " in line and ";" in line and "\n" not in line


def test_image_without_a_t2w_image_is_refused_where_a_real_one_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "check_image", lambda *_: None)
    raw = make_dataset(tmp_path, *(f"sub-{label}/anat/sub-{label}" for label in "ab"))
    images = [image(raw, "a"), replace(image(raw, "b"), t2w=raw / "sub-b/anat/sub-b_T2w.nii.gz")]
    ((found, error),) = refused_images(images, 1, 4.0, "real")
    assert found.subject == "a" and "sub-a_T1w.nii.gz: has no T2w image of its session" in str(error)
    assert list(refused_images(images, 1, 4.0, "auto")) == []


def test_large_images_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    raw = make_dataset(tmp_path, *(f"sub-{label}/anat/sub-{label}" for label in "abc"))
    images = [image(raw, label) for label in "abc"]
    header = nib.Nifti1Header()
    header.set_data_shape((512, 512, 400))
    images[1].path.write_bytes(gzip.compress(header.binaryblock + bytes(4)))
    (raw / "sub-c/anat/sub-c_T1w.nii.gz").write_text("not an image")
    asked = []
    monkeypatch.setattr(preflight, "ThreadPoolExecutor", lambda threads: asked.append(threads) or ThreadPoolExecutor(1))
    for memory_gb in (0.1, 4.0, 100.0):
        list(refused_images(images, 8, memory_gb))
    assert asked == [1, 2, 8]


def in_derivatives(out: Path) -> list[SourceImage]:
    """Images of a finished output folder."""
    return [
        SourceImage(out.parent / f"{name}_T1w.nii.gz", label, f"{name}_T1w.nii.gz") for label, name in NAMES.items()
    ]


def test_images_with_a_map_that_was_corrected_are_given_and_no_other(untouched, capsys):
    images = in_derivatives(untouched)
    assert list(corrected_images(images, untouched, 2, 4.0)) == []
    correct(path(untouched, "02", "carved_fine"))
    ((found, error),) = corrected_images(images, untouched, 2, 4.0)
    assert found is images[1] and untouched / error.subject == path(untouched, "02", "carved_fine")
    assert capsys.readouterr().err == ""  # nothing of the bar stays in a log


def test_label_maps_are_read_in_threads_and_large_ones_a_few_at_a_time(untouched, monkeypatch):
    images, header, asked = in_derivatives(untouched), nib.Nifti1Header(), []
    monkeypatch.setattr(preflight, "ThreadPoolExecutor", lambda threads: asked.append(threads) or ThreadPoolExecutor(1))
    list(corrected_images(images, untouched, 8, 4.0))
    header.set_data_shape((512, 512, 400))
    large = untouched / derivative_path(images[1].path, "carved_fine")
    large.write_bytes(gzip.compress(header.binaryblock + bytes(4)))
    list(corrected_images(images, untouched, 8, 4.0))
    list(corrected_images(images, untouched / "nothing", 8, 4.0))
    assert asked == [8, 2, 8]


def test_bar_tells_how_far_it_is_and_goes(untouched, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=shown, force_terminal=True, width=100))
    list(corrected_images(in_derivatives(untouched), untouched, 1, 4.0))
    assert all(f"{percent}%" in shown.getvalue() for percent in (50, 100))
    assert "looking for corrections by hand" in shown.getvalue()
    assert shown.getvalue().endswith("\x1b[1A\x1b[2K")  # up one line, which is wiped


def test_surprise_in_one_image_is_its_own_failure(tmp_path, monkeypatch):
    raw = make_dataset(tmp_path, "sub-01/anat/sub-01")

    def surprise(path: Path, least_mm: float) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(preflight, "check_image", surprise)
    ((_, error),) = refused_images([image(raw, "01")], 1, 1.0)
    assert str(error).startswith("sub-01/anat/sub-01_T1w.nii.gz: cannot be read (ZeroDivisionError: by zero)")


def test_one_odd_header_leaves_the_other_images_alone(tmp_path, monkeypatch):
    raw = make_dataset(tmp_path, "sub-01/anat/sub-01", "sub-02/anat/sub-02")

    def load(path: Path) -> None:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(nib, "load", load)
    images = [image(raw, "01"), image(raw, "02")]
    assert [found for found, _ in refused_images(images, 1, 1.0)] == images


def test_cpu_is_taken_without_asking(monkeypatch):
    monkeypatch.setattr(preflight.subprocess, "run", lambda *args, **options: 1 / 0)
    assert choose_device("cpu") == "cpu"
    monkeypatch.setattr(preflight, "has_gpu_driver", lambda: False)
    assert choose_device("auto") == "cpu"


def test_a_driver_is_seen_when_its_library_can_be_loaded(monkeypatch):
    wanted = []
    monkeypatch.setattr(preflight.ctypes, "CDLL", wanted.append)
    assert has_gpu_driver() and wanted == ["libcuda.so.1"]


@pytest.mark.parametrize("amd", [True, False])
def test_without_the_library_only_amd_s_device_tells_of_a_gpu(amd, monkeypatch):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(preflight.ctypes, "CDLL", refuse)
    monkeypatch.setattr(Path, "exists", lambda path: amd and path == Path("/dev/kfd"))
    assert has_gpu_driver() == amd


@pytest.mark.parametrize(("wanted", "answer"), [("auto", "cpu"), ("auto", "cuda:0"), ("cuda", "cuda:0")])
def test_device_is_what_torch_finds_whatever_else_is_installed(wanted, answer, monkeypatch):
    def ask(command, **_):
        assert command[-1] == wanted
        return subprocess.CompletedProcess(command, 0, f"noise\n{answer}\n", "")

    monkeypatch.setattr(preflight, "has_gpu_driver", lambda: True)
    monkeypatch.setattr(preflight.subprocess, "run", ask)
    monkeypatch.setenv("PATH", "")  # no nvidia-smi
    assert choose_device(wanted) == answer


def test_gpu_that_is_not_there_is_refused_with_the_mend():
    with pytest.raises(UsageError, match="--device cuda:99: torch sees .*--device cpu"):
        choose_device("cuda:99")


def test_what_lies_in_the_current_folder_is_not_taken_for_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "has_gpu_driver", lambda: True)
    (tmp_path / "torch.py").write_text("raise RuntimeError('not mine')")
    monkeypatch.chdir(tmp_path)
    assert choose_device("auto") in ("cpu", "cuda:0")


def test_device_of_this_machine_is_one_that_is_there():
    assert choose_device("auto") in ("cpu", "cuda:0")
