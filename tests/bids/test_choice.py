"""Every image's system, by the person's age or as it was asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.bids.agecolumns import ToldAge
from cerebbids.bids.choice import Chosen, choose_systems, with_system
from cerebbids.bids.people import People
from cerebbids.bids.query import SourceImage
from cerebbids.config import RunConfig
from cerebbids.errors import WrongAge
from cerebbids.systems.ages import since_term

NAME = "sub-1/anat/sub-1_T1w.nii.gz"
IMAGE = SourceImage(Path("/d") / NAME, "1", NAME)
CONFIG = RunConfig(Path("/d"), Path("/o"), Path("/w"))
ALL = ("deepceres", "infant", "isointense", "neonatal")
NEVER = "The networks of {} have learnt from synthetic images, and were never validated on real infants."


def choose(months=None, system="auto", available=ALL, **more):
    told = ToldAge(months, "age X in participants.tsv" if months is not None else "", **more)
    chosen, refused = choose_systems(
        replace(CONFIG, system=system), [IMAGE], People(ages={("sub-1", ""): told}), available
    )
    assert len(chosen) + len(refused) == 1
    return chosen.get("sub-1"), str(refused.get("sub-1", ""))


@pytest.mark.parametrize(("months", "system", "warning"), [
    (5, "infant", "5 months"), (6, "infant", ""), (24, "infant", ""), (25, "infant", "meant for: 6 to 24 months"),
    (30, "infant", "30 months"), (31, "deepceres", "31 months"), (215, "deepceres", "validated at: 18 years and above"),
    (216, "deepceres", ""), (1000, "deepceres", ""),
])  # fmt: skip
def test_systems_by_age(months, system, warning):
    chosen, _ = choose(months)
    assert (chosen.system, chosen.months, chosen.source) == (system, months, "age X in participants.tsv")
    assert warning in " ".join(chosen.warnings) and len(chosen.warnings) == bool(warning)


@pytest.mark.parametrize("weeks", [26, 40, 45])
def test_newborns_have_their_system_which_was_never_validated(weeks):
    chosen, _ = choose(since_term(weeks))
    assert (chosen.system, chosen.warnings) == ("neonatal", (NEVER.format("neonatal"),))


@pytest.mark.parametrize(("months", "told", "gap", "forced"), [
    (4.99, "4.99 months", "between 45 weeks postmenstrual and 5 months", ("infant", "isointense", "deepceres")),
    (3, "3 months", "between 45 weeks postmenstrual and 5 months", ("infant", "deepceres")),
    (since_term(45.1), "45.1 weeks postmenstrual", "between 45 weeks postmenstrual and 5 months",
     ("neonatal", "infant", "deepceres")),
    (since_term(25.9), "25.9 weeks postmenstrual", "below 26 weeks postmenstrual", ("neonatal", "infant", "deepceres")),
    (since_term(23.9), "23.9 weeks postmenstrual", "below 26 weeks postmenstrual", ("infant", "deepceres")),
])  # fmt: skip
def test_ages_between_systems(months, told, gap, forced):
    _, line = choose(months)
    options = " or ".join(f"--system {each}" for each in forced)
    reason = f"is of a person of {told} (age X in participants.tsv), and there is no system {gap}"
    assert line == f"{NAME}: {reason}; correct the age, or force a system: {options}"
    assert all(choose(months, system)[0].system == system for system in forced)


def test_an_unknown_age_is_an_adult_s_with_a_warning():
    chosen, _ = choose(why_not="no age in participants.tsv")
    assert (chosen.system, chosen.months) == ("deepceres", None)
    assert chosen.warnings[0].startswith("The age is not known (no age in participants.tsv)")


def test_an_age_that_is_not_clear_is_refused_unless_a_system_is_asked_for():
    _, line = choose(why_not="weeks or months", unclear=True)
    assert "whose age is not clear (weeks or months); tell it as a number" in line and "--system" in line
    assert choose(system="deepceres", why_not="weeks or months", unclear=True)[0] == Chosen("deepceres")


@pytest.mark.parametrize(("months", "system", "meant"), [
    (3, "auto", None), (300, "infant", "deepceres"), (300, "neonatal", "deepceres"), (6, "neonatal", "infant"),
    (0, "isointense", "neonatal"), (3, "isointense", None),
])  # fmt: skip
def test_a_refusal_for_the_age_tells_the_system_that_it_is_for(months, system, meant):
    told = People(ages={("sub-1", ""): ToldAge(months, "age X in participants.tsv")})
    (error,) = choose_systems(replace(CONFIG, system=system), [IMAGE], told, ALL)[1].values()
    assert isinstance(error, WrongAge) and error.system == meant


def test_what_is_doubtful_about_an_age_is_said_of_the_image():
    assert choose(300, warnings=("In years?",))[0].warnings == ("In years?",)


def test_a_doubtful_age_is_said_where_the_system_asked_for_goes_by_it():
    assert choose(12, "infant", warnings=("In years?",))[0].warnings == ("In years?",)
    assert choose(300, "deepceres", warnings=("In years?",))[0].warnings == ()
    assert choose(0, "neonatal", warnings=("At term?",))[0].warnings == ("At term?", NEVER.format("neonatal"))


@pytest.mark.parametrize(("system", "months", "warned"), [
    ("infant", 3, True), ("infant", 12, False), ("infant", 36, True), ("deepceres", 3, True), ("deepceres", 300, False),
    ("neonatal", -3, True), ("neonatal", 2.29, True), ("isointense", 4, True), ("isointense", 8, True),
    ("isointense", 12, True),
])  # fmt: skip
def test_a_system_that_was_asked_for_is_taken_near_its_ages(system, months, warned):
    chosen, _ = choose(months, system)
    assert chosen.system == system and bool(chosen.warnings) == warned


@pytest.mark.parametrize("months", [36.1, 300])
def test_infants_system_is_refused_for_others(months):
    _, line = choose(months, "infant")
    assert "--system infant is for ages up to 36 months" in line and "(age X in participants.tsv)" in line


@pytest.mark.parametrize(("months", "system", "ages"), [
    (since_term(23.9), "neonatal", "24 to 50 weeks postmenstrual"), (2.31, "neonatal", "24 to 50 weeks postmenstrual"),
    (3.99, "isointense", "4 to 12 months"), (12.1, "isointense", "4 to 12 months"),
])  # fmt: skip
def test_systems_of_the_first_year_are_refused_beyond_their_ages(months, system, ages):
    assert f"and --system {system} is for ages {ages}; leave --system out" in choose(months, system)[1]


@pytest.mark.parametrize("system", ["neonatal", "isointense"])
def test_systems_that_were_never_validated_say_so_of_unknown_ages_too(system):
    chosen, _ = choose(system=system, why_not="no age in participants.tsv")
    assert chosen == Chosen(system, warnings=(NEVER.format(system),))


def test_adults_system_wants_no_age_and_infants_wants_one():
    assert choose(system="deepceres", why_not="no age in participants.tsv")[0] == Chosen("deepceres")
    chosen, line = choose(system="infant", why_not="no age in participants.tsv")
    assert chosen is None and "needs an age (no age in participants.tsv); tell the age with --age-months" in line


def test_the_age_of_the_command_line_comes_before_tables():
    people = People(ages={("sub-1", ""): ToldAge(12, "age 12 in participants.tsv")})
    chosen, _ = choose_systems(replace(CONFIG, age_months=240.0), [IMAGE], people, ALL)
    assert chosen["sub-1"] == Chosen("deepceres", 240, "--age-months 240")
    _, refused = choose_systems(replace(CONFIG, age_months=240.0, system="infant"), [IMAGE], people, ALL)
    assert "is of a person of 20 years (--age-months 240)" in str(refused["sub-1"])


@pytest.mark.parametrize(("months", "words"), [(0.0, "40 weeks"), (1.0, "44.35 weeks")])
def test_newborns_age_of_the_command_line_is_one_of_born_at_term(months, words):
    chosen, _ = choose_systems(replace(CONFIG, age_months=months), [IMAGE], People(), ALL)
    assert (chosen["sub-1"].system, chosen["sub-1"].months) == ("neonatal", months)
    assert chosen["sub-1"].warnings == (
        f"The age (--age-months {months:g}) counts from birth; birth at term, at 40 weeks, was taken for granted.",
        NEVER.format("neonatal"),
    )
    _, refused = choose_systems(replace(CONFIG, age_months=months, system="isointense"), [IMAGE], People(), ALL)
    assert f"{words} postmenstrual (--age-months {months:g}, as if born at term), and" in str(refused["sub-1"])


def test_sessions_have_their_own_ages():
    ages = {("sub-1", "ses-a"): ToldAge(12, "a"), ("sub-1", "ses-b"): ToldAge(300, "b")}
    images = [replace(IMAGE, path=Path(f"/d/sub-1_ses-{each}_T1w.nii.gz")) for each in "ab"]
    chosen, _ = choose_systems(CONFIG, images, People(ages=ages), ALL)
    assert [each.system for each in chosen.values()] == ["infant", "deepceres"]


def test_a_system_without_a_bundle_is_refused():
    _, line = choose(12, available=("deepceres",))
    assert "12 months (age X in participants.tsv), for the system infant, of which there is no bundle" in line
    assert choose(300, available=("deepceres",))[0].system == "deepceres"
    _, line = choose(0, available=("deepceres",))
    assert (
        "of 40 weeks postmenstrual (age X in participants.tsv), for the system neonatal, of which there is no" in line
    )


def test_the_choice_goes_with_the_image():
    image = with_system(replace(IMAGE, t2w=Path("/d/a_T2w.nii"), t2w_choice=2), Chosen("infant", 8.0, "", ("Young.",)))
    assert (image.system, image.months, image.warnings[0], len(image.warnings)) == ("infant", 8.0, "Young.", 2)
