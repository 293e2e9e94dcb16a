"""README says what the program does."""

import re
from pathlib import Path

import pandas as pd
import pytest
from card import read_result

from cerebbids.bids.names import DERIVATIVES, GROUP_DESCS, GROUP_PAGE, GROUP_QC, SCHEMES, derivative_path, group_table
from cerebbids.data.labels import load_scheme
from cerebbids.inference.models import read_bundle

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_output_is_listed():
    listed = set(re.findall(r"^\| `(sub-01/\S+)` \|", README, re.M))
    made = {derivative_path("sub-01_T1w.nii.gz", key) for key in DERIVATIVES}
    inverse = derivative_path("sub-01_T1w.nii.gz", "xfm_to_t1w")  # named beside the other
    assert f"`{inverse.name.removeprefix('sub-01_').partition('_mode')[0]}`" in README
    figures = {f"{path.parent.as_posix()}/" for path in made if path.parent.name == "figures"}
    files = {path.as_posix() for path in made - {inverse} if path.parent.name != "figures"}
    assert listed == files | figures | {"sub-01/log/"}


def test_every_file_of_a_group_is_listed():
    listed = set(re.findall(r"^\| `(group\S+)` \|", README, re.M))
    tables = {group_table("Lobules", desc) for desc in ("", *GROUP_DESCS)}
    assert listed == tables | {GROUP_PAGE, GROUP_QC}
    assert all(f"`seg-{scheme}`" in README for scheme in SCHEMES)


def test_labels_are_those_of_the_table():
    regions, left, right = (
        [cell.strip() for cell in line.split("|")[2:-1]]
        for line in re.search(r"(\|.*I-II.*)\n\|-.*\n(\| Left.*)\n(\| Right.*)\n", README).groups()
    )
    for label in load_scheme("Lobules").labels:
        row = {"left": left, "right": right}[label.hemisphere]
        assert row[regions.index(label.region)] == str(label.index)


@pytest.fixture(scope="module")
def claims() -> str:
    """What README says of the accuracy, without the places of its links."""
    section = re.search(r"^## How good is it\n(.*?)^## ", README, re.M | re.S).group(1)
    return re.sub(r"\]\([^)]*\)", "]", section)


def said(claims: str, number: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(number)}(?!\.?\d)", claims) is not None


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    answers = read_result("cascade")
    return answers[answers["by"] == "nets"]


@pytest.mark.parametrize("column", ["whole", "white"])
def test_accuracy_is_what_the_cross_validation_gave(column, claims, scored):
    assert said(claims, f"{scored[column].mean():.2f}")


def test_people_that_the_network_learnt_from_are_counted(claims):
    assert said(claims, str(len(read_bundle(None, "deepceres").networks["lobules_unet"].training_ids)))


def test_ages_are_those_of_the_people_that_the_network_learnt_from(claims):
    prepared = read_result("labels").set_index("id")["age"].add_prefix("OASIS-")
    ages = prepared[list(read_bundle(None, "deepceres").networks["lobules_unet"].training_ids)]
    assert said(claims, f"{ages.min():.0f}") and said(claims, f"{ages.max():.0f}")


def test_volumes_beside_the_published_ones_are_what_the_benchmark_gave(claims):
    told = read_result("volumes")
    assert said(claims, f"{told['mean_cm3'].sum() / told['published_cm3'].sum():.2f}")
    assert said(claims, str(told["n"].max()))
