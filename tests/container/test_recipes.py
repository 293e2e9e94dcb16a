"""Dockerfile and singularity.def, read without building anything."""

import re
from pathlib import Path

import pytest

import cerebbids
from tests.container.recipe import default_arguments, read_recipe, section

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def in_image(name: str) -> str:
    """Value that the Dockerfile gives to a variable of the environment."""
    (value,) = re.findall(rf"^(?:ENV)? +{name}=(\S+)", DOCKERFILE, re.M)
    return value


def test_image_is_told_the_version_of_the_program():
    assert f"\nARG VERSION={cerebbids.__version__}\n" in DOCKERFILE


def test_base_is_pinned_by_its_digest():
    assert re.search(r"^ARG BASE=debian:bookworm-slim@sha256:[0-9a-f]{64}$", DOCKERFILE, re.M)
    assert all(base in ("${BASE}", "python") for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))


def test_pins_that_are_left_to_pytorch_are_those_of_gpus():
    (pattern,) = re.findall(r"grep -Ev '(.+)' constraints.txt", DOCKERFILE)
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    left = {line.partition("==")[0] for line in pinned if re.search(pattern, line)}
    assert {"nvidia-cublas", "cuda-bindings", "triton"} <= left
    assert all(name.startswith(("nvidia-", "cuda-")) for name in left - {"triton"})


def test_spython_reads_the_definition(tmp_path: Path):
    recipe = read_recipe(tmp_path, bootstrap="docker", image="registry/cerebbids:1")
    assert recipe.fromHeader == "registry/cerebbids:1"
    assert recipe.cmd == 'exec /opt/cerebbids/bin/cerebbids "$@"'
    assert recipe.install[0] == section("post").strip()


def test_definition_takes_dockers_own_image_by_default():
    assert default_arguments() == {"bootstrap": "docker-daemon", "image": "cerebbids:latest"}


def test_environment_is_that_of_the_image(tmp_path: Path):
    recipe = read_recipe(tmp_path, bootstrap="docker")
    told = dict(line.split("=", 1) for line in recipe.environ)
    assert told == {name: in_image(name) for name in told}
    assert {"PATH", "PYTHONNOUSERSITE", "TEMPLATEFLOW_HOME"} <= told.keys()


def test_program_is_that_of_the_image():
    (entry,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', DOCKERFILE, re.M)
    assert section("runscript").strip() == f'exec {entry} "$@"'


@pytest.mark.parametrize("words", ["--nv", "--cleanenv", "-B", "docker-archive", "oci-archive", "localimage"])
def test_help_tells(words: str):
    assert words in section("help")
