"""What the program never does, whatever it is given."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import cerebbids
from cerebbids.bids.query import select_images
from cerebbids.config import RunConfig
from cerebbids.errors import UsageError
from tests.datasets import make_dataset

PACKAGE = Path(cerebbids.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "torch.load", "os.system", "os.popen", "yaml.load", "subprocess.getoutput"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Names of all modules that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """All calls in a file."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_nothing_is_unpickled_and_nothing_handed_to_a_shell(file: Path):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not FORBIDDEN_MODULES & set(imported(tree))
    for call in calls(tree):
        assert ast.unparse(call.func) not in FORBIDDEN_CALLS
        told = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert told.get("shell") != "True" and told.get("allow_pickle") != "True"


@pytest.mark.parametrize("value", ["../../secret", "/etc", "a/../../secret", "*", "."])
@pytest.mark.parametrize("entity", ["acquisition", "run", "session", "subject"])
def test_filters_never_lead_out_of_the_dataset(entity: str, value: str, tmp_path: Path):
    raw = make_dataset(tmp_path / "data", "sub-01/anat/sub-01_acq-a_run-1")
    make_dataset(tmp_path / "secret", "sub-02/anat/sub-02")
    (tmp_path / "filter.json").write_text(json.dumps({"t1w": {entity: value}}))
    config = RunConfig(raw, tmp_path / "out", tmp_path / "work", bids_filter_file=tmp_path / "filter.json")
    try:
        found = select_images(config).images
    except UsageError:
        return
    assert {image.relative for image in found} <= {"sub-01/anat/sub-01_acq-a_run-1_T1w.nii.gz"}


def test_a_filter_that_names_what_there_is_finds_it(tmp_path: Path):
    raw = make_dataset(tmp_path / "data", "sub-01/anat/sub-01_acq-a_run-1", "sub-01/anat/sub-01_acq-b_run-1")
    (tmp_path / "filter.json").write_text(json.dumps({"t1w": {"acquisition": "a"}}))
    config = RunConfig(raw, tmp_path / "out", tmp_path / "work", bids_filter_file=tmp_path / "filter.json")
    assert [image.relative for image in select_images(config).images] == ["sub-01/anat/sub-01_acq-a_run-1_T1w.nii.gz"]


@pytest.mark.parametrize("label", ["../01", "01/..", "/etc", "..", "*"])
def test_labels_never_lead_out_of_the_dataset(label: str, tmp_path: Path):
    raw = make_dataset(tmp_path / "data", "sub-01/anat/sub-01")
    with pytest.raises(UsageError, match="is not in the dataset"):
        select_images(RunConfig(raw, tmp_path / "out", tmp_path / "work", participant_labels=(label,)))
