"""The model card says what was measured."""

import tomllib

import pandas as pd

from benchmarks.card import RESULTS, accuracy
from cerebbids.inference.models import read_bundle


def test_accuracy_is_what_the_cross_validation_gave():
    card = (read_bundle(None, "deepceres").folder / "README.md").read_text(encoding="utf-8")
    assert accuracy(pd.read_csv(RESULTS / "crossvalidation.tsv", sep="\t")) in card


def test_the_commands_are_those_of_the_packaged_weights():
    folder = read_bundle(None, "deepceres").folder
    steps = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))["training"]["steps"]
    assert f"--steps {steps} --resume" in (folder / "README.md").read_text(encoding="utf-8")
