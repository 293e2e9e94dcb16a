"""Dockerfile and singularity.def, read without building anything."""

import re
from pathlib import Path

import pytest

import cerebbids
from tests.container.recipe import default_arguments, fill, read_recipe, section

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
    assert all(base in ("${BASE}", "base", "dependencies") for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))


def test_pins_that_are_left_to_pytorch_are_those_of_gpus():
    (pattern,) = re.findall(r"grep -Ev '(.+)' constraints.txt", DOCKERFILE)
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    left = {line.partition("==")[0] for line in pinned if re.search(pattern, line)}
    assert {"nvidia-cublas", "cuda-bindings", "triton"} <= left
    assert all(name.startswith(("nvidia-", "cuda-")) for name in left - {"triton"})


def test_spython_reads_the_definition(tmp_path: Path):
    recipe = read_recipe(tmp_path, "registry/cerebbids:1")
    assert recipe.fromHeader == "registry/cerebbids:1"
    assert recipe.cmd == 'exec /opt/cerebbids/bin/cerebbids "$@"'
    assert recipe.install[0] == section("post").strip()


def test_definition_takes_dockers_own_image_by_default():
    assert default_arguments() == {"bootstrap": "docker-daemon", "image": "cerebbids:latest"}


def test_environment_is_that_of_the_image(tmp_path: Path):
    recipe = read_recipe(tmp_path, "cerebbids")
    told = dict(line.split("=", 1) for line in recipe.environ)
    assert told == {name: in_image(name) for name in told}
    assert {"PATH", "PYTHONNOUSERSITE", "TEMPLATEFLOW_HOME"} <= told.keys()


def test_program_is_that_of_the_image():
    (entry,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', DOCKERFILE, re.M)
    assert section("runscript").strip() == f'exec {entry} "$@"'


TOLD = [
    dict(argument.split("=", 1) for argument in re.findall(r"--build-arg (\S+)", line))
    for line in re.findall(r"^ +apptainer build --.*$", section("help"), re.M)
]


def test_help_tells_of_every_way_to_the_image():
    assert [told["bootstrap"] for told in TOLD] == ["docker", "docker-archive", "oci-archive", "localimage"]
    assert f":{cerebbids.__version__}" in TOLD[0]["image"]
    assert all(words in section("help") for words in ("--nv", "--cleanenv", "-B"))


@pytest.mark.parametrize("arguments", TOLD, ids=[told["bootstrap"] for told in TOLD])
def test_what_the_help_tells_fills_the_definition(arguments: dict[str, str], tmp_path: Path):
    filled = fill(arguments)
    assert filled.startswith(f"Bootstrap: {arguments['bootstrap']}\nFrom: {arguments['image']}\n")
    assert "{{" not in filled
