import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.cli import predict
from cerebbids.cli.job import LobuleJob
from cerebbids.cli.predict import main, run
from cerebbids.errors import CerebbidsError, ModelError, SegmentationFailed, read_error
from cerebbids.imaging.tissuemeans import TissueMeans
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.inference import device, imageside, library, lobules, models, outputs, segment, tissue
from cerebbids.inference.answer import Answer
from cerebbids.inference.library import read_library
from cerebbids.inference.models import packaged_models
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from tests.inference.libraries import GRID as BLOCKS
from tests.inference.libraries import write_blocks
from tests.standin import predict as standin


def answer(lowest: int, *, atlas: bool = False) -> Answer:
    """A lobule in the middle of the box, from the plane z = `lowest` of it upwards."""
    probabilities = torch.zeros(27, *CEREBELLUM_1MM.shape)
    probabilities[6, 40:90, 30:60, lowest:60] = 1
    probabilities[0] = 1 - probabilities[6]
    votes = Answer(probabilities, CEREBELLUM_1MM) if atlas else None
    return Answer(probabilities, CEREBELLUM_1MM, atlas=votes, warnings=("Tiles.",))


BOX = np.zeros((2, 2, 2), np.float32)
SIDE = imageside.ImageSide(None, TissueMeans(1, 2, 3), np.zeros(70, int), BOX, BOX, BOX > 0, False, ())


def job(folder: Path, method: str = "nets", library: Path | None = None) -> LobuleJob:
    t1w, xfm = folder / "t1w.nii", folder / "xfm.txt"
    return LobuleJob(
        system="deepceres", t1w=t1w, xfm=xfm, skull_stripped=False, t2w=None, xfm_t2w=None, t2w_required=False,
        method=method, flip=False, save_probabilities=False, library=library, models_dir=None, device="cpu",
        cpu_threads=1, out_dir=folder,
    )  # fmt: skip


@pytest.mark.parametrize(("lowest", "cut"), [(20, []), (5, ["template's grid"]), (0, ["box", "template's grid"])])
def test_what_template_space_cuts_off_is_told(lowest, cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(segment, "load_net", lambda *_: None)
    monkeypatch.setattr(lobules, "find_lobules", lambda *_, **__: answer(lowest))
    monkeypatch.setattr(imageside, "image_side", lambda *_, **__: replace(SIDE, warnings=("No cavity.",)))
    monkeypatch.setattr(outputs, "write_image_side", lambda *_: None)
    monkeypatch.setattr(tissue, "tissue_labels", lambda *_: np.zeros(CEREBELLUM_05MM.shape, np.uint8))
    monkeypatch.setattr(tissue, "check_tissue", lambda *_: ("Faint.",))
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.float32), np.eye(4)), tmp_path / "t1w.nii")
    write_itk_affine(np.eye(4), tmp_path / "xfm.txt")
    run(job(tmp_path, "fast"))
    facts = json.loads((tmp_path / "predict.json").read_text())
    warnings = facts["warnings"]
    assert facts.keys() == standin.FACTS.keys() and facts["confidence"].keys() == standin.FACTS["confidence"].keys()
    assert facts["tissues"].keys() == standin.FACTS["tissues"].keys()
    assert len(warnings) == 3 + len(cut)
    assert all(any(words in warning for warning in warnings) for words in ("No cavity.", "Tiles.", "Faint.", *cut))


CUDA = "CUDA error: an illegal memory access was encountered\nSearch for it in the manual.\nCompile with more.\n"
FULL = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12\n"


@pytest.mark.parametrize(
    ("error", "kind", "reason", "mend"),
    [
        (SegmentationFailed("t1w.nii", "is no brain", "look at it"), SegmentationFailed, "is no brain", "look at it"),
        (ModelError("model.toml", "is missing", "install it"), ModelError, "is missing", "install it"),
        (RuntimeError(CUDA), CerebbidsError, "RuntimeError: CUDA error: an illegal memory access", "report this"),
        (MemoryError("Unable to allocate 8 GiB"), CerebbidsError, "MemoryError: Unable to allocate", "give it more"),
        (
            RuntimeError(FULL),
            CerebbidsError,
            "RuntimeError: DefaultCPUAllocator: can't allocate memory",
            "give it more",
        ),
        (torch.OutOfMemoryError(CUDA), CerebbidsError, "OutOfMemoryError: CUDA error: an", "use --device cpu or"),
    ],
)
def test_failure_is_one_line_that_another_process_can_read(error, kind, reason, mend, tmp_path, monkeypatch, capsys):
    def fail(_: LobuleJob) -> None:
        raise error

    monkeypatch.setattr(predict, "read_job", lambda _: None)
    monkeypatch.setattr(predict, "run", fail)
    assert main(["--spec", str(tmp_path / "job.json")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    told = read_error(line)
    assert type(told) is kind and told.reason.startswith(reason) and told.mend.startswith(mend)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Stand-ins for all networks; what finds lobules is kept with what it was given: method, tools, name."""
    found: list[tuple] = []

    def find_lobules(method, tools, t1w, t1w_to_mni, side, name, **more):
        found.append((method, tools, more["flip"]))
        return answer(20, atlas=method != "fast")

    monkeypatch.setattr(segment, "load_net", lambda network, _: network.architecture)
    monkeypatch.setattr(lobules, "find_lobules", find_lobules)
    monkeypatch.setattr(imageside, "image_side", lambda *_, **__: SIDE)
    for writer in ("write_image_side", "write_native_t2w"):
        monkeypatch.setattr(outputs, writer, lambda *_: None)
    monkeypatch.setattr(tissue, "tissue_labels", lambda *_: np.zeros(CEREBELLUM_05MM.shape, np.uint8))
    monkeypatch.setattr(tissue, "check_tissue", lambda *_: ())
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.float32), np.eye(4)), tmp_path / "t1w.nii")
    write_itk_affine(np.eye(4), tmp_path / "xfm.txt")
    return found


def test_a_method_gets_its_networks_and_the_library_where_it_needs_one(asked, tmp_path: Path, monkeypatch):
    blocks = read_library(write_blocks(tmp_path / "blocks"), BLOCKS, "Lobules")
    packed = models.read_bundle(None, "deepceres")
    every = {**dict.fromkeys(DEEPCERES.grids, packed.networks["lobules"]), **packed.networks}
    monkeypatch.setattr(models, "read_bundle", lambda *_: replace(packed, networks=every))
    folders = []
    monkeypatch.setattr(library, "read_library", lambda folder, *_: folders.append(folder) or blocks)
    for method, own in (("nets", None), ("fast", None), ("atlas", None), ("atlas", tmp_path / "own")):
        run(replace(job(tmp_path, method, own), flip=method == "nets"))
        facts = json.loads((tmp_path / "predict.json").read_text())
        told = {"sha256": blocks.sha256, "members": 3, "licence": "CC0-1.0"} if method != "fast" else None
        assert (facts["method"], facts["library"], facts["flip"]) == (method, told, method == "nets")
        used, tools, flip = asked[-1]
        assert (tmp_path / "atlas_mni.nii.gz").exists() == (method != "fast")
        (tmp_path / "atlas_mni.nii.gz").unlink(missing_ok=True)
        assert (used, flip, set(tools.nets)) == (method, method == "nets", set(DEEPCERES.methods[method]))
    packaged = packaged_models() / "deepceres" / "library"
    assert folders == [packaged, packaged, tmp_path / "own"]


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("GET was unable to find an engine to execute")]
)
def test_a_gpu_without_memory_leaves_the_image_to_the_cpu(error, asked, tmp_path: Path, monkeypatch):
    def too_large(nets, grids, t1w, t1w_to_mni, *, device, **more):
        if device.type == "cuda":
            raise error
        return SIDE

    monkeypatch.setattr(imageside, "image_side", too_large)
    monkeypatch.setattr(device, "find_device", torch.device)
    run(replace(job(tmp_path, "fast"), device="cuda:0"))
    facts = json.loads((tmp_path / "predict.json").read_text())
    assert facts["device"] == "cpu" and "The memory of the GPU ran out" in facts["warnings"][-1]
    assert str(error) in facts["warnings"][-1]  # it may have meant something else
    assert [tools.device.type for _, tools, _ in asked] == ["cpu"]


def test_no_other_error_of_a_gpu_is_hidden(asked, tmp_path: Path, monkeypatch):
    def wrong(*_, **__):
        raise RuntimeError(CUDA)

    monkeypatch.setattr(imageside, "image_side", wrong)
    monkeypatch.setattr(device, "find_device", torch.device)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        run(replace(job(tmp_path, "fast"), device="cuda:0"))


def test_a_cpu_without_memory_fails(asked, tmp_path: Path, monkeypatch):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(imageside, "image_side", too_large)
    with pytest.raises(torch.OutOfMemoryError):
        run(job(tmp_path, "fast"))
