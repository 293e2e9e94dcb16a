"""CONTRIBUTING names what there is, and what has to be changed for what."""

import ast
import re
import sys
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


def modules(path: Path) -> set[str]:
    """Names of all that a module imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_others = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    of_package = {
        f"cerebbids.{alias.name}" for node in from_others for alias in node.names if node.module == "cerebbids"
    }
    return plain | of_package | {node.module for node in from_others if node.module != "cerebbids"}


def imported(path: Path) -> set[str]:
    """Folders, or modules beside them, that a module imports of the package."""
    return {name.split(".")[1] for name in modules(path) if name.startswith("cerebbids.")}


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
    for path in (ROOT / "cerebbids" / folder).rglob("*.py"):
        packages = {name.partition(".")[0] for name in modules(path)}
        if folder == "imaging":
            assert not packages & {"torch", "nipype", "niworkflows"}, path
        else:
            assert packages - sys.stdlib_module_names <= {"torch", "cerebbids"}, path


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
