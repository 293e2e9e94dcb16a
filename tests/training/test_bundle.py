from pathlib import Path

import pytest

from cerebbids.errors import UsageError
from cerebbids.inference.models import read_bundle
from cerebbids.nets.unet import UNet
from cerebbids.training import checkpoint
from cerebbids.training.bundle import export
from cerebbids.training.optimiser import Optimiser
from cerebbids.training.recipe import DEEPCERES
from cerebbids.training.run import CHECKPOINT, Seen, open_run

SEEN = Seen(("OASIS-1", "OASIS-2"), ("head",), ("CoBrALab-1",))


def begun(run: Path, step: int) -> None:
    net = UNet(DEEPCERES.channels_in, 27, DEEPCERES.widths)
    optimiser = Optimiser(net, DEEPCERES)
    saved = open_run(run, DEEPCERES, SEEN, resume=False)
    checkpoint.save(saved, net, net.state_dict(), optimiser, checkpoint.Progress(step, 1.0))
    assert saved.name == CHECKPOINT


def test_a_bundle_tells_whom_its_weights_have_seen(tmp_path: Path):
    begun(tmp_path / "run", DEEPCERES.steps)
    folder = export(tmp_path / "run", tmp_path / "models")
    bundle = read_bundle(folder.parent, folder.name)
    assert bundle.training_ids == SEEN.people
    assert bundle.widths == DEEPCERES.widths


def test_an_unfinished_run_is_not_exported(tmp_path: Path):
    begun(tmp_path / "run", DEEPCERES.steps - 1)
    with pytest.raises(UsageError, match="resume"):
        export(tmp_path / "run", tmp_path / "models")
    assert not (tmp_path / "models").exists()
