import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.errors import ModelError
from cerebbids.inference.models import packaged_models, read_bundle
from cerebbids.systems.deepceres import DEEPCERES

PACKAGED = tuple(read_bundle(None, "deepceres").networks)


def test_packaged_bundle_is_whole():
    bundle = read_bundle(None, "deepceres")
    assert bundle.scheme == "Lobules"
    assert {name: net.grid for name, net in bundle.networks.items()} == DEEPCERES.grids
    assert all(net.grid.is_symmetric for net in bundle.networks.values())
    assert (bundle.folder / "README.md").is_file()


@pytest.mark.parametrize("name", PACKAGED)
def test_weights_of_one_version_are_told_apart(name: str):
    bundle = read_bundle(None, "deepceres")
    network = bundle.networks[name]
    retrained = replace(network, sha256=f"0123456789{network.sha256[10:]}")
    other = replace(bundle, networks={**bundle.networks, name: retrained})
    assert other.sha256 != bundle.sha256
    assert other.title == f"{bundle.name} {bundle.version}+{other.sha256[:8]}" != bundle.title


@pytest.mark.parametrize("name", PACKAGED)
def test_damaged_weights_are_refused(name: str, tmp_path: Path):
    folder = shutil.copytree(packaged_models() / "deepceres", tmp_path / "deepceres")
    weights = folder / read_bundle(tmp_path, "deepceres").networks[name].weights.name
    blob = bytearray(weights.read_bytes())
    blob[-1] ^= 1
    weights.unlink()
    weights.write_bytes(blob)
    with pytest.raises(ModelError, match="sha256"):
        read_bundle(tmp_path, "deepceres")


def test_missing_bundle_names_the_mend(tmp_path: Path):
    with pytest.raises(ModelError, match="--models-dir"):
        read_bundle(tmp_path, "deepceres")


def test_bundle_without_a_key_is_refused(tmp_path: Path):
    (tmp_path / "deepceres").mkdir()
    (tmp_path / "deepceres" / "model.toml").write_text('name = "x"\n')
    with pytest.raises(ModelError, match="cannot be read"):
        read_bundle(tmp_path, "deepceres")


@pytest.mark.parametrize(
    ("told", "instead", "reason"),
    [
        ('architecture = "unet"', 'architecture = "vnet"', "architecture"),
        ("[contrast]", "[other]", "cannot be read .'architecture'"),
        ("[icv", "[other", "lacks networks for every method"),
        ("shape = [272, 192, 192]", "shape = [272, 192, 193]", "cannot be halved 1 times"),
        ('name = "deepceres"', 'name = "ours"', 'named "ours", not "deepceres"'),
        ('scheme = "Lobules"', 'scheme = "Tissues"', "label scheme"),
        ("channels_in = 4", "channels_in = 5", "channels_in 5, not 4"),
        ("classes = 27", "classes = 26", "classes 26, not 27"),
        ("origin = [-67.5,", "origin = [-66.5,", "not symmetric"),
        ("shape = [136, 96, 96]", "shape = [136, 96, 100]", "cannot be halved 3 times"),
        ("shape = [136, 96, 96]", "shape = 136", "cannot be read"),
    ],
)
def test_bundle_that_the_program_cannot_use_is_refused_before_the_run(tmp_path, told, instead, reason):
    folder = shutil.copytree(packaged_models() / "deepceres", tmp_path / "deepceres")
    text = (folder / "model.toml").read_text()
    assert told in text
    (folder / "model.toml").unlink()
    (folder / "model.toml").write_text(text.replace(told, instead))
    with pytest.raises(ModelError, match=f"model.toml: .*{reason}"):
        read_bundle(tmp_path, "deepceres")


def test_a_method_whose_networks_are_not_there_is_refused(tmp_path: Path):
    folder = shutil.copytree(packaged_models() / "deepceres", tmp_path / "deepceres")
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").unlink()
    (folder / "model.toml").write_text(text.replace("[deform", "[other"))
    bundle = read_bundle(tmp_path, "deepceres")
    assert set(bundle.needed("fast")) == set(DEEPCERES.methods["fast"])
    with pytest.raises(ModelError, match="model.toml: has no network deform, which --method atlas needs; choose"):
        bundle.needed("atlas")
