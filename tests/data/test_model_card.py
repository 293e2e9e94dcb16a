"""The model card says what was measured."""

import tomllib
from dataclasses import asdict

import pytest
from card import (
    accuracy,
    agreement,
    atlases,
    beside_others,
    cascade_accuracy,
    extended_set,
    image_side,
    read_result,
    registrations,
)

from cerebbids.inference.models import read_bundle
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.recipe import RECIPES, Recipe


@pytest.fixture(scope="module")
def card() -> str:
    return (read_bundle(None, "deepceres").folder / "README.md").read_text(encoding="utf-8")


def test_accuracy_is_what_the_cross_validation_gave(card: str):
    assert accuracy(read_result("crossvalidation")) in card


def test_accuracy_of_the_cascade_is_what_its_cross_validation_gave(card: str):
    assert cascade_accuracy(read_result("cascade")) in card


def test_the_methods_are_compared_as_their_cross_validations_do(card: str):
    assert beside_others(*(read_result(name) for name in ("cascade", "crossvalidation", "atlas"))) in card


def test_agreement_of_the_labels_is_what_their_making_gave(card: str):
    assert agreement(read_result("labels"), read_result("cobralab")) in card


def test_accuracy_of_the_image_side_is_what_its_benchmark_gave(card: str):
    assert image_side(*(read_result(f"imageside_{part}") for part in ("superres", "t2w", "icv"))) in card


def test_accuracy_of_the_library_is_what_its_benchmark_gave(card: str):
    assert atlases(read_result("atlas")) in card


def test_the_registration_s_figures_are_what_its_benchmark_gave(card: str):
    assert registrations(read_result("registration")) in card


def test_the_folds_are_what_the_extended_set_s_making_gave(card: str):
    assert extended_set(read_result("shapes")) in card


def test_the_commands_are_those_of_the_packaged_weights(card: str):
    toml = (read_bundle(None, "deepceres").folder / "model.toml").read_text(encoding="utf-8")
    assert f"--steps {tomllib.loads(toml)['lobules']['training']['steps']} --resume" in card


@pytest.mark.parametrize("net", read_bundle(None, DEEPCERES.name).networks)
def test_the_packaged_weights_are_those_of_the_recipe(net: str):
    bundle, recipe = read_bundle(None, "deepceres"), RECIPES[net]
    training = tomllib.loads((bundle.folder / "model.toml").read_text(encoding="utf-8"))[net]["training"]
    told = {key: value for key, value in asdict(recipe).items() if key not in ("net", "architecture", "sizes")}
    known = asdict(Recipe(net, steps=0)) | training  # a bundle may be older than a field
    assert {key: known[key] for key in told} == told
    assert (bundle.networks[net].architecture, bundle.networks[net].sizes) == (recipe.architecture, recipe.sizes)
