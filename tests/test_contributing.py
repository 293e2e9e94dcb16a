"""CONTRIBUTING names what there is, and what has to be changed for what."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "cerebbids").rglob("*.py"))
FOR_ALL = {"config", "errors", "files", "__version__"}
MAY_IMPORT = {
    folder: set(told.replace(",", " ").split())
    for folder, told in re.findall(r"^\| `cerebbids/(\w+)` \|[^|]*\|([^|]*)\|$", TEXT, re.M)
}
"""The table of the house: what modules of a folder may import."""


def section(heading: str) -> str:
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)[1]


def imported(path: Path) -> set[str]:
    """Folders, or modules beside them, that a module imports of the package."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    of_package = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "cerebbids"]
    names = [
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module not in (None, "cerebbids")
    ]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    below = {name.split(".")[1] for name in names if name.startswith("cerebbids.")}
    return below | {alias.name for node in of_package for alias in node.names}


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:cerebbids|tests|benchmarks|docs|\.github)/[^`<]*)`", TEXT)))
)
def test_what_is_named_is_there(name: str):
    assert (ROOT / name).is_dir() if name.endswith("/") else (ROOT / name).exists()


def test_every_folder_is_told():
    assert set(MAY_IMPORT) == {path.parent.name for path in FILES if path.parent != ROOT / "cerebbids"}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_run_one_way(folder: str):
    allowed = set(MAY_IMPORT) if "all" in MAY_IMPORT[folder] else MAY_IMPORT[folder] | {folder}
    for path in (ROOT / "cerebbids" / folder).rglob("*.py"):
        assert imported(path) <= allowed | FOR_ALL, path


@pytest.mark.parametrize("folder", ["imaging", "nets"])
def test_algorithms_know_no_nipype_and_networks_nothing_but_torch(folder: str):
    foreign = {"imaging": r"torch|nipype|niworkflows", "nets": r"(?!torch|cerebbids|__future__|collections|math)\w+"}
    for path in (ROOT / "cerebbids" / folder).rglob("*.py"):
        assert not re.search(rf"^(from|import) ({foreign[folder]})\b", path.read_text(encoding="utf-8"), re.M), path


@pytest.mark.parametrize(
    ("heading", "trace"),
    [
        ("An output", r"\batlas_mni\b"),
        ("A label scheme", r"names import .*\bVERMIS\b"),
        ("A network architecture", r'"dpn"|nets\.dpn'),
        ("A system", r"^from cerebbids\.systems\.deepceres"),
    ],
)
def test_every_file_that_knows_the_example_is_named(heading: str, trace: str):
    told = section(heading)
    knowing = [path for path in FILES if re.search(trace, path.read_text(encoding="utf-8"), re.M)]
    assert knowing
    for path in (path.relative_to(ROOT).as_posix() for path in knowing):
        assert f"`{path}`" in told, path


def test_bundles_are_as_small_as_is_told():
    limit = int(re.search(r"All bundles together stay below (\d+) MB", TEXT)[1])
    models = ROOT / "cerebbids" / "data" / "models"
    assert sum(path.stat().st_size for path in models.rglob("*") if path.is_file()) < limit * 1e6
