import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.cli.predict import Job, run
from cerebbids.imaging.grid import CEREBELLUM_1MM
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.inference import segment


def answer(lowest: int) -> torch.Tensor:
    """Probabilities of a lobule in the middle of the box, from the plane z = `lowest` of it upwards."""
    probabilities = torch.zeros(27, *CEREBELLUM_1MM.shape)
    probabilities[6, 40:90, 30:60, lowest:60] = 1
    probabilities[0] = 1 - probabilities[6]
    return probabilities


@pytest.mark.parametrize(("lowest", "cut"), [(20, []), (5, ["template's grid"]), (0, ["box", "template's grid"])])
def test_what_template_space_cuts_off_is_told(lowest, cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(segment, "load_net", lambda *_: None)
    monkeypatch.setattr(segment, "segment", lambda *_: answer(lowest))
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.float32), np.eye(4)), tmp_path / "t1w.nii")
    write_itk_affine(np.eye(4), tmp_path / "xfm.txt")
    run(Job("deepceres", tmp_path / "t1w.nii", tmp_path / "xfm.txt", None, "cpu", 1, tmp_path))
    warnings = json.loads((tmp_path / "predict.json").read_text())["warnings"]
    assert len(warnings) == len(cut)
    assert all(words in warning for words, warning in zip(cut, warnings, strict=True))
