"""The model card says what was measured."""

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import braincard
import infantcard
import pandas as pd
import pytest
from card import (
    RESULTS,
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

from cerebbids.inference.models import packaged_models, read_bundle
from cerebbids.systems.infant import INFANT
from cerebbids.systems.published import SYSTEMS
from cerebbids.training.bundle import export_networks
from cerebbids.training.recipe import RECIPES, Recipe
from cerebbids.training.run import Seen
from tests.training.runs import untrained

PACKAGED = [name for name in SYSTEMS if (packaged_models() / name / "model.toml").exists()]
NETWORKS = [(system, net) for system in PACKAGED for net in read_bundle(None, system).networks]


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


@pytest.mark.parametrize(("system", "net"), NETWORKS)
def test_the_packaged_weights_are_those_of_the_recipe(system: str, net: str):
    bundle, recipe = read_bundle(None, system), RECIPES[net]
    training = tomllib.loads((bundle.folder / "model.toml").read_text(encoding="utf-8"))[net]["training"]
    told = {key: value for key, value in asdict(recipe).items() if key not in ("net", "architecture", "sizes")}
    known = asdict(Recipe(net, steps=0)) | training  # a bundle may be older than a field
    assert json.loads(json.dumps({key: known[key] for key in told})) == json.loads(json.dumps(told))  # lists, all
    assert (bundle.networks[net].architecture, bundle.networks[net].sizes) == (recipe.architecture, recipe.sizes)


@pytest.mark.parametrize("system", PACKAGED)
def test_every_bundle_has_a_card_that_tells_its_licence_and_networks(system: str):
    bundle = read_bundle(None, system)
    text = (bundle.folder / "README.md").read_text(encoding="utf-8")
    assert bundle.licence.replace("-", " ", 1).replace("-4", " 4") in text
    assert all(f"`{net}`" in text for net in bundle.networks)


@pytest.mark.parametrize("system", [name for name in PACKAGED if name == INFANT.name])
def test_the_card_for_infants_is_that_of_its_bundle_and_results(system: str):
    folder = read_bundle(None, system).folder
    told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    assert (folder / "README.md").read_text(encoding="utf-8") == infantcard.card(told, RESULTS / "infant")


@pytest.mark.parametrize("system", [name for name in PACKAGED if name in braincard.TEXTS])
def test_the_cards_for_whole_brains_are_those_of_their_bundles_and_results(system: str):
    folder = read_bundle(None, system).folder
    told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    assert (folder / "README.md").read_text(encoding="utf-8") == braincard.card(told, system)


@pytest.mark.parametrize("system", braincard.TEXTS)
def test_a_bundle_for_whole_brains_gets_a_card_before_and_after_it_was_measured(system: str, tmp_path: Path):
    own = SYSTEMS[system]
    runs = {net: tmp_path / "runs" / net for net in own.grids}
    for run in runs.values():
        untrained(run, RECIPES[run.name], Seen((), ("painted",)))
    export_networks(own, runs, tmp_path / "models")
    braincard.main([str(tmp_path / "models")])
    text = (tmp_path / "models" / system / "README.md").read_text(encoding="utf-8")
    assert "Not measured yet." in text and "not validated on real infants" in text and "{" not in text
    assert all(f"| `{net}` |" in text and f"--net {net} " in text for net in own.grids)
    rows = [
        {"system": system, "head": head, "class": "White matter", "dice": dice}
        for head, dice in (("a", 0.9), ("b", 0.8))
    ]
    table = pd.DataFrame([*rows, {"system": "none", "head": "c"}])
    table.to_csv(tmp_path / "result.tsv", sep="\t", index=False)
    told = tomllib.loads((tmp_path / "models" / system / "model.toml").read_text(encoding="utf-8"))
    measured = braincard.card(told, system, tmp_path / "result.tsv")
    assert (
        "| White matter, Dice | 0.850 | 0.071 | 0.800 | 2 |" in measured and "Labelled were 2 of 5 heads." in measured
    )


@pytest.fixture(scope="module")
def infants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of bundles with one for infants, of networks that have learnt nothing."""
    folder = tmp_path_factory.mktemp("infants")
    people = Seen(tuple(f"BCP24-{number}" for number in range(13)))
    runs = {net: folder / "runs" / net for net in INFANT.grids}
    for net, run in runs.items():
        untrained(run, RECIPES[net], Seen((), ("age-01mo", "age-36mo")) if net == "place" else people)
    export_networks(INFANT, runs, folder / "models")
    return folder / "models"


@pytest.fixture
def told(infants: Path) -> dict:
    return tomllib.loads((infants / INFANT.name / "model.toml").read_text(encoding="utf-8"))


def test_a_bundle_for_infants_gets_a_card_before_anything_is_measured(infants: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(infantcard, "RESULTS", infants)
    infantcard.main([str(infants)])
    card = (infants / INFANT.name / "README.md").read_text(encoding="utf-8")
    assert card.count("Not measured yet.") == 2 and "{" not in card
    assert "under CC BY-NC-SA 4.0; they must not" in card and "25 % (16 instead of 64)" in card
    assert "| 13 infants of 24 months" in card and "| 2 label maps of infants' brains" in card
    for net, network in read_bundle(infants, INFANT.name).networks.items():
        (row,) = (line for line in card.splitlines() if line.startswith(f"| `{net}` |"))
        assert row.endswith(f" | {RECIPES[net].steps} |") and f"{network.sizes.get('width', '16-32-64-128')}" in row


def test_commands_of_the_card_for_infants_are_what_was_done(told: dict):
    lines = infantcard.commands(told).splitlines()
    order = [line.split("--net ")[1].split(" --resume")[0] for line in lines if " fit " in line]
    younger = ["tissue18", "tissue12", "tissue06"]
    assert order == ["place", "tissue24", *younger, "tissue24 --fold 0", "tissue24 --fold 1", "confidence"]
    told["place"]["training"]["steps"] += 1
    assert f"--net place --steps {RECIPES['place'].steps + 1} --resume" in infantcard.commands(told)


def write_results(folder: Path) -> None:
    """Tables as ``infantfolds.py`` and ``infantheads.py`` write them."""
    rows = [("CSF", 91.5, 1.25, 89.25, 13), ("mean", 93.0, 0.5, 92.0, 13), ("right_of_doubted", 40.0, 2.0, 35.0, 7)]
    summary = pd.DataFrame(rows, columns=["measure", "mean", "sd", "worst", "n"])
    summary.to_csv(folder / "folds.tsv", sep="\t", index=False)
    pd.DataFrame({"person": range(12)}).to_csv(folder / "folds_images.tsv", sep="\t", index=False)
    heads = {
        "image": ["phantom_01mo", "phantom_02mo", "phantom_03mo", "subject-01"],
        "cut_out": [False, True, False, True],
        "refused": ["", "", "no cerebellum is found in it", ""],
        "dice_cerebellum": [0.9, 0.8, None, None],
        "dice_brainstem": [0.8, 0.8, None, None],
        "shown": [1.0, 0.9, None, None],
        "in_box": [1.0, 1.0, None, 0.999],
    }
    pd.DataFrame(heads).to_csv(folder / "places.tsv", sep="\t", index=False)


def test_the_card_for_infants_says_what_was_measured(told: dict, tmp_path: Path):
    write_results(tmp_path)
    lines = infantcard.card(told, tmp_path).splitlines()
    assert "Not measured yet." not in lines
    for line in (
        "12 of the 13 infants were scored.",
        "| fluid, Dice, % | 91.50 | 1.25 | 89.25 | 13 |",
        "| right ones of the others, % | 40.00 | 2.00 | 35.00 | 7 |",
        "| painted heads: cerebellum, Dice | 0.850 | 0.071 | 0.800 | 2 |",
        f"| painted heads: {infantcard.PLACES['shown']} | 0.950 | 0.071 | 0.900 | 2 |",
        "| real cut-outs: share of the labelled voxels inside the box found | 0.999 | nan | 0.999 | 1 |",
        "Of 3 painted heads, 1 were refused and 1 taken for cut-outs.",
        "Of 1 real cut-outs, 0 were refused and 0 taken for heads.",
    ):
        assert line in lines


def test_a_confidence_that_was_not_measured_is_told(told: dict, tmp_path: Path):
    write_results(tmp_path)
    table = pd.read_csv(tmp_path / "folds.tsv", sep="\t")
    table[table["measure"] != "right_of_doubted"].to_csv(tmp_path / "folds.tsv", sep="\t", index=False)
    card = infantcard.card(told, tmp_path)
    assert card.count("Not measured yet.") == 1
    assert "has not seen:\n\nNot measured yet." in card
