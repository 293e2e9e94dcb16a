"""The Boutiques descriptor says what the command line takes."""

import argparse
import json
import re
import shlex
from pathlib import Path

import boutiques
import pytest

from cerebbids import __version__
from cerebbids.bids.names import DERIVATIVES, GROUP_DESCS, GROUP_PAGE, GROUP_QC, SCHEMES, derivative_path, group_table
from cerebbids.cli.parser import build_parser, parse_args
from cerebbids.errors import UsageError

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "descriptor.json"
DESCRIPTOR = json.loads(PATH.read_text(encoding="utf-8"))
INPUTS = {each["id"]: each for each in DESCRIPTOR["inputs"]}

HERE = Path(__file__)
KINDS: dict[str, tuple[dict, object, object]] = {
    "folder": ({"type": "File"}, str(HERE.parent), HERE.parent),
    "file": ({"type": "File"}, str(HERE), HERE),
    "absolute": ({"type": "String"}, "/with a space", Path("/with a space")),
    "device": ({"type": "String"}, "cuda:1", "cuda:1"),
    "memory": ({"type": "String"}, "8G", 8.0),
    "megabytes": ({"type": "Number", "minimum": 0, "exclusive-minimum": True}, 6000, 6.0),
    "months": ({"type": "Number", "minimum": 0, "maximum": 1440}, 8.5, 8.5),
    "float": ({"type": "Number", "minimum": 0, "exclusive-minimum": True}, 6.5, 6.5),
    "int": ({"type": "Number", "minimum": 1, "integer": True}, 2, 2),
}
"""What Boutiques calls the types of options, and for each what one may give and what is read of it."""


def name(action: argparse.Action) -> str:
    """What the descriptor calls an option: its first long spelling."""
    long = [option for option in action.option_strings if option.startswith("--")]
    return (long or [action.dest])[0].removeprefix("--").replace("-", "_")


ACTIONS = {
    name(action): action for action in build_parser()._actions if action.dest not in ("help", "version", "ignored")
}


def test_it_is_valid():
    boutiques.validate(str(PATH))


def test_it_is_of_this_version():
    assert DESCRIPTOR["tool-version"] == __version__


def test_it_has_every_option_that_has_an_effect():
    assert list(INPUTS) == list(ACTIONS)


@pytest.mark.parametrize("key", ACTIONS)
def test_an_input_is_what_the_option_takes(key):
    action = ACTIONS[key]
    expected = {"id": key, "description": action.help, "value-key": f"[{key.upper()}]"}
    if action.nargs == 0:
        expected |= {"type": "Flag"}
    else:
        expected |= KINDS[action.type.__name__][0] if action.type else {"type": "String"}
    if isinstance(action, argparse._CountAction):
        expected["description"] = action.help.partition(";")[0]  # Boutiques gives a flag once
    if action.option_strings:
        expected |= {"command-line-flag": f"--{key.replace('_', '-')}", "optional": True}
    if action.nargs == "+":
        expected |= {"list": True, "min-list-entries": 1}
    if action.choices:
        expected["value-choices"] = action.choices
    told = {
        field: value
        for field, value in INPUTS[key].items()
        if field not in ("name", "value-disables", "disables-inputs")
    }
    assert told == expected


def test_options_that_exclude_each_other_are_grouped():
    exclusive = [
        [name(action) for action in group._group_actions] for group in build_parser()._mutually_exclusive_groups
    ]
    assert [group["members"] for group in DESCRIPTOR["groups"]] == exclusive
    assert all(group["mutually-exclusive"] for group in DESCRIPTOR["groups"])


def example(key: str, turn: int) -> tuple[object, object]:
    """A value that an input may have, and what is read of it."""
    action = ACTIONS[key]
    if action.nargs == 0:
        return True, 1 if action.const is None else action.const
    if action.nargs == "+":
        return 2 * (["sub-01", "it's"],)
    return 2 * (action.choices[turn % len(action.choices)],) if action.choices else KINDS[action.type.__name__][1:]


APART = [
    *((key, True, other) for key in INPUTS for other in INPUTS[key].get("disables-inputs", [])),
    *(
        (key, value, other)
        for key in INPUTS
        for value, others in INPUTS[key].get("value-disables", {}).items()
        for other in others
    ),
]
"""An input, its value, and another input that it disables then."""


def invocation(turn: int) -> dict[str, tuple[object, object]]:
    """As many inputs as go together: their values, and what is read of them; others at another turn."""
    members = [group["members"] for group in DESCRIPTOR["groups"]]
    left_out = set().union(*members) - {each[turn % len(each)] for each in members}
    given = {key: example(key, turn) for key in ACTIONS if key in INPUTS and key not in left_out}
    disabled = {other for key, value, other in APART if key in given and given[key][0] == value}
    return {key: values for key, values in given.items() if key not in disabled}


INVOCATIONS = [invocation(turn) for turn in range(3)]


@pytest.mark.parametrize("given", INVOCATIONS, ids=["first", "second", "third"])
def test_what_boutiques_makes_of_values_is_read_as_these_values(given, capsys):
    boutiques.execute("simulate", str(PATH), "-i", json.dumps({key: value for key, (value, _) in given.items()}))
    program, *arguments = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert program == "cerebbids"
    read = {ACTIONS[key].dest: value for key, (_, value) in given.items()}
    assert vars(build_parser().parse_args(arguments)) == read


def test_every_option_is_among_these_values():
    assert set().union(*INVOCATIONS) == set(INPUTS)


@pytest.mark.parametrize(("key", "value", "other"), APART)
def test_options_that_disable_each_other_are_refused_together(key, value, other, tmp_path):
    def option(name: str, value: object) -> list[str]:
        flag = INPUTS[name]["command-line-flag"]
        return [flag] if value is True else [flag, str(value)]

    (tmp_path / "data").mkdir()
    arguments = [str(tmp_path / "data"), str(tmp_path / "out"), "participant", "-w", str(tmp_path / "work")]
    with pytest.raises(UsageError):
        parse_args([*arguments, *option(key, value), *option(other, example(other, 0)[0])])


OUTPUTS = [each["path-template"] for each in DESCRIPTOR["output-files"]]
WRITTEN = [
    *(derivative_path(f"sub-01{session}_T1w.nii.gz", key) for session in ("", "_ses-a") for key in DERIVATIVES),
    *(Path(group_table(scheme, desc)) for scheme in SCHEMES for desc in ("", *GROUP_DESCS)),
    *(Path(each) for each in (GROUP_PAGE, GROUP_QC, "sub-01.html", "logs/CITATION.md", ".")),
]


@pytest.mark.parametrize("template", OUTPUTS)
def test_outputs_are_such_as_are_written(template):
    pattern = template.replace("[OUTPUT_DIR]", "/out")
    assert any((Path("/out") / path).match(pattern) for path in WRITTEN)


def test_exit_codes_are_those_of_the_readme():
    table = re.search(r"^\| Exit code.*\n\|.*\n((?:\|.*\n)+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    codes = [int(code) for cell in re.findall(r"^\|([^|]+)\|", table[1], re.M) for code in cell.split(",")]
    assert [each["code"] for each in DESCRIPTOR["error-codes"]] == [code for code in codes if code]
