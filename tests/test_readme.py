"""README says what the program does."""

import re
from pathlib import Path

import pytest

from cerebbids.bids.names import DERIVATIVES, derivative_path
from cerebbids.cli.parser import build_parser
from cerebbids.data.labels import load_scheme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_output_is_listed():
    listed = set(re.findall(r"^\| `(sub-01/anat/\S+)` \|", README, re.M))
    made = {derivative_path("sub-01_T1w.nii.gz", key).as_posix() for key in DERIVATIVES}
    anat = {path for path in made if "/anat/" in path and "_from-MNI" not in path}  # named beside its inverse
    assert listed == anat
    assert made - anat == {path for path in made if "/figures/" in path or "_from-MNI" in path}


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--?[a-z-]+)", README))))
def test_options_exist(option):
    assert option in build_parser()._option_string_actions


def test_labels_are_those_of_the_table():
    regions, left, right = (
        [cell.strip() for cell in line.split("|")[2:-1]]
        for line in re.search(r"(\|.*I-II.*)\n\|-.*\n(\| Left.*)\n(\| Right.*)\n", README).groups()
    )
    for label in load_scheme("Lobules").labels:
        row = {"left": left, "right": right}[label.hemisphere]
        assert row[regions.index(label.region)] == str(label.index)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)]+)\)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).is_file()
