"""Workflows take no action that could change under them, and may do no more than they need."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}
JOBS = [(f"{name}-{key}", job) for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()]
MAY_WRITE = {"release-image": {"packages"}, "release-files": {"contents"}}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_actions_are_pinned_and_keep_no_credentials(name: str, job: dict):
    used = [step for step in job["steps"] if "uses" in step]
    assert used and all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in used)
    for step in used:
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_nothing_from_outside_is_written_into_scripts(name: str, job: dict):
    assert not any("${{" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_jobs_may_write_only_what_they_publish_and_end(name: str, job: dict):
    allowed = job.get("permissions", WORKFLOWS[name.split("-")[0]]["permissions"])
    assert {scope for scope, right in allowed.items() if right != "read"} == MAY_WRITE.get(name, set())
    assert job["timeout-minutes"] <= 90


def test_tests_run_on_every_python_that_the_package_names():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = {match[1] for line in classifiers if (match := re.search(r":: (3\.\d+)$", line))}
    assert named and named == set(WORKFLOWS["test"]["jobs"]["pinned"]["strategy"]["matrix"]["python"])


def test_ci_runs_the_readmes_own_command():
    (command,) = re.findall(r"^pip install .*pytest$", (ROOT / ".ci" / "run").read_text(), re.M)
    assert f"```shell\n{command}\n```" in (ROOT / "README.md").read_text()
