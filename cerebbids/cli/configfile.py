"""A file of choices, TOML, as a run keeps it: read with the rules of the command line."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from cerebbids.config import RunConfig
from cerebbids.errors import UsageError

_MEND = "give the cerebbids.toml of a run, or write it by its example"


def read_choices(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Read choices, each as if its option had been on the command line.

    Parameters
    ----------
    path : Path
        TOML file whose keys are fields of :class:`cerebbids.config.RunConfig`. Folders of the run and its level
        are left out: the command line has to name them.
    parser : ArgumentParser
        Parser of the command line, without defaults.

    Raises
    ------
    UsageError
        It is not such a file, or a choice is none that its option takes.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(str(path), f"cannot be read as TOML ({error})", _MEND) from error
    unknown = sorted(told.keys() - {field.name for field in fields(RunConfig)})
    if unknown:
        raise UsageError(str(path), f"chooses {unknown[0]}, which is no choice", _MEND)
    choices: dict[str, Any] = {}
    for name, value in told.items():
        for action in _options_of(name, parser):
            choices[name] = _read(path, action, value)
    return choices


def _options_of(name: str, parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """First option of a choice, which is the one that takes any of its values; none of positional arguments."""
    yield from [action for action in parser._actions if action.dest == name and action.option_strings][:1]


def _read(path: Path, action: argparse.Action, value: Any) -> Any:
    """Value of an option, converted and checked as argparse does it.

    Raises
    ------
    UsageError
        It is none of this option.
    """
    option = action.option_strings[0]
    if action.nargs == 0:  # flags, and what is counted
        kind = int if isinstance(action, argparse._CountAction) else bool
        if type(value) is not kind:
            raise UsageError(str(path), f"has {value!r} for {option}", f"write a {kind.__name__}")
        return value
    several = action.nargs == "+"
    if several != isinstance(value, list):
        raise UsageError(str(path), f"has {value!r} for {option}", f"write {'a list' if several else 'one value'}")
    convert = action.type or str
    try:
        read = [convert(str(each)) for each in (value if several else [value])]
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UsageError(str(path), f"has {value!r} for {option} ({error})", "correct it") from error
    if action.choices and not set(read) <= set(action.choices):
        raise UsageError(str(path), f"has {value!r} for {option}", f"choose of {', '.join(action.choices)}")
    return read if several else read[0]
