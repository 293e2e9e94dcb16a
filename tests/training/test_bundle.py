import tomllib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cerebbids.errors import UsageError
from cerebbids.inference.library import read_library
from cerebbids.inference.models import ARCHITECTURES, packaged_models, read_bundle
from cerebbids.inference.segment import load_net
from cerebbids.nets.build import NETS
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.training.bundle import export, unpack
from cerebbids.training.heads import HELD_OUT
from cerebbids.training.kit import HELD_BACK
from cerebbids.training.recipe import RECIPES, SUPERRES, TISSUE24
from cerebbids.training.run import OF_PEOPLE, Seen, read_notes
from cerebbids.training.trained import trained_net
from tests.inference.libraries import GRID, write_blocks

from .runs import untrained


def seen(net: str) -> Seen:
    return Seen((f"{net}-1", f"{net}-2"), ("head",), ("CoBrALab-1",))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run of every network."""
    found = {net: tmp_path_factory.mktemp(net) for net in DEEPCERES.grids}
    for net, run in found.items():
        untrained(run, RECIPES[net], seen(net))
    return found


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of blocks."""
    return write_blocks(tmp_path_factory.mktemp("library"))


def test_a_bundle_tells_of_every_network_what_it_is_and_whom_it_has_seen(
    runs: dict[str, Path], library: Path, tmp_path: Path
):
    folder = export(runs, library, tmp_path / "models")
    bundle = read_bundle(folder.parent, folder.name)
    assert read_library(bundle.library, GRID, "Lobules").sources[0] == "somebody-0"
    assert bundle.networks.keys() == DEEPCERES.grids.keys() <= RECIPES.keys()
    for name, network in bundle.networks.items():
        recipe = RECIPES[name]
        assert network.training_ids == seen(name).people
        assert (network.architecture, dict(network.sizes)) == (recipe.architecture, recipe.sizes)
        assert network.grid == DEEPCERES.grids[name]
        parameters = sum(p.numel() for p in load_net(network, torch.device("cpu")).parameters())
        told = tomllib.loads((folder / "model.toml").read_text())[name]
        assert told["parameters"] == parameters
        assert told["training"]["steps"] == recipe.steps and told["training"]["surroundings"] == ["head"]


def test_an_unfinished_run_is_not_exported(runs: dict[str, Path], library: Path, tmp_path: Path):
    untrained(tmp_path / "run", RECIPES["icv"], seen("icv"), RECIPES["icv"].steps - 1)
    with pytest.raises(UsageError, match="resume"):
        export(runs | {"icv": tmp_path / "run"}, library, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_run_that_was_not_begun_is_not_exported(runs: dict[str, Path], library: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="has not been begun"):
        export(runs | {"contrast": tmp_path / "run"}, library, tmp_path / "models")


def test_a_bundle_without_library_is_not_exported(runs: dict[str, Path], tmp_path: Path):
    with pytest.raises(UsageError, match="cerebbids-train exemplars"):
        export(runs, tmp_path / "nothing", tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_every_architecture_of_a_bundle_can_be_built():
    assert set(NETS) == set(ARCHITECTURES)
    assert {recipe.architecture for recipe in RECIPES.values()} <= set(NETS)


@pytest.fixture(scope="module")
def told() -> dict:
    return tomllib.loads((read_bundle(None, "deepceres").folder / "model.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("net", read_bundle(None, DEEPCERES.name).networks)
def test_packaged_weights_say_whom_they_have_seen(told: dict, net: str):
    training = told[net]["training"]
    everybody = [name for key in ("ids", "surroundings", "atlas") for name in training[key]]
    assert everybody
    assert not [name for name in everybody if name.startswith(HELD_BACK)]
    if net not in OF_PEOPLE:
        assert not [name for name in everybody if name.startswith("OASIS")]
    if net in ("icv", "contrast"):
        assert not set(HELD_OUT) & set(everybody)


def test_networks_without_a_run_stay_in_the_bundle(runs: dict[str, Path], library: Path, tmp_path: Path):
    folder = export(runs, library, tmp_path)
    before = tomllib.loads((folder / "model.toml").read_text())
    untrained(tmp_path / "run", RECIPES["icv"], Seen(("another",)))
    gone = {net: tmp_path / "gone" / net for net in runs}
    export(gone | {"icv": tmp_path / "run"}, library, tmp_path, keep=True)
    after = tomllib.loads((folder / "model.toml").read_text())
    assert after["icv"]["training"]["ids"] == ["another"]
    assert {**after, "icv": 0} == {**before, "icv": 0}
    read_bundle(tmp_path, folder.name)
    with pytest.raises(UsageError, match="has not been begun"):
        export(gone, library, tmp_path / "empty", keep=True)


def test_a_network_of_a_bundle_is_a_finished_run_again(tmp_path: Path):
    packaged = packaged_models() / DEEPCERES.name
    unpack(packaged, "superres", tmp_path / "run")
    recipe, seen = read_notes(tmp_path / "run")
    assert recipe == SUPERRES and seen.people and seen.atlas
    weights = trained_net(tmp_path / "run").state_dict()
    for key, value in load_file(packaged / "superres.safetensors").items():
        assert torch.equal(weights[key], value.float())


def test_a_recipe_of_a_bundle_is_the_recipe_again(tmp_path: Path):
    packaged = packaged_models() / INFANT.name
    unpack(packaged, TISSUE24.net, tmp_path / "run")
    assert TISSUE24.restarts and read_notes(tmp_path / "run")[0] == TISSUE24
