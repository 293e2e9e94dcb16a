"""The model card says what was measured."""

import tomllib

import pytest
from card import accuracy, agreement, read_result

from cerebbids.inference.models import read_bundle


@pytest.fixture(scope="module")
def card() -> str:
    return (read_bundle(None, "deepceres").folder / "README.md").read_text(encoding="utf-8")


def test_accuracy_is_what_the_cross_validation_gave(card: str):
    assert accuracy(read_result("crossvalidation")) in card


def test_agreement_of_the_labels_is_what_their_making_gave(card: str):
    assert agreement(read_result("labels"), read_result("cobralab")) in card


def test_the_commands_are_those_of_the_packaged_weights(card: str):
    toml = (read_bundle(None, "deepceres").folder / "model.toml").read_text(encoding="utf-8")
    assert f"--steps {tomllib.loads(toml)['lobules']['training']['steps']} --resume" in card
