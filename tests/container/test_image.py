"""The built image as users run it: ``pytest -m container``, after ``docker build -t cerebbids .`` or ``build.sh``."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import cerebbids
from cerebbids.bids.names import YIELDS, derivative_path
from cerebbids.cli.demo_heads import make_dataset as make_heads
from tests.container.image import STRANGER, Image, built_image
from tests.container.recipe import section
from tests.datasets import validator_errors

pytestmark = pytest.mark.container
ROOT = Path(__file__).parents[2]
UID = int(STRANGER.partition(":")[0])
TMP = ("--tmpfs", "/tmp")


@pytest.fixture(scope="module")
def image() -> Image:
    found = built_image()
    if found is None:
        pytest.fail("no such image: build it (see CONTRIBUTING.md), or name it in CEREBBIDS_IMAGE")
    return found


def folder_of_strangers(path: Path) -> Path:
    """Make a folder that the stranger may write to, as a user's own would be."""
    path.mkdir(parents=True)
    path.chmod(0o777)
    return path


@dataclass(frozen=True)
class Study:
    """A dataset of two heads, and what the image made of the first."""

    raw: Path
    out: Path
    code: int
    printed: str

    @property
    def mounted(self) -> list[str]:
        """Options that show both folders to the image."""
        return ["-v", f"{self.raw}:/data:ro", "-v", f"{self.out}:/out"]


@pytest.fixture(scope="module")
def study(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Run ``IMAGE /data /out participant --participant-label 01``, with a work folder, as ``/tmp`` is read-only."""
    folder = tmp_path_factory.mktemp("study")
    make_heads(folder / "raw")
    ready = Study(folder / "raw", folder_of_strangers(folder / "out"), 0, "")
    work = ["-v", f"{folder_of_strangers(folder / 'work')}:/work"]
    asked = ["/data", "/out", "participant", "--participant-label", "01", "-w", "/work"]
    answer = image.run(*asked, options=[*ready.mounted, *work])
    return Study(ready.raw, ready.out, answer.returncode, answer.stdout)


def test_version_is_that_of_the_source(image: Image):
    answer = image.run("--version")
    assert (answer.returncode, answer.stdout.strip()) == (0, f"cerebbids {cerebbids.__version__}")
    labels = image.told()["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == cerebbids.__version__
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert labels["org.opencontainers.image.revision"] == head.stdout.strip()


def test_weights_are_whole_and_load(image: Image):
    answer = image.run("--self-test", inside="cerebbids-predict")
    assert answer.returncode == 0 and "\ndeepceres " in answer.stdout, answer.stdout


def test_gpus_are_asked_for(image: Image):
    environment = image.told()["Config"]["Env"]
    assert {"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(environment)


def test_image_has_no_more_than_3_gb(image: Image, record_property):
    size = image.told()["Size"]
    record_property("bytes of the image", {image.name: size})
    assert size <= 3e9


def test_participant_is_done(study: Study):
    assert study.code == 0, study.printed
    assert study.printed.strip().splitlines()[-1] == "1 done, 0 failed"


def test_all_outputs_are_there_and_bids_valid(study: Study):
    missing = {
        key for key in YIELDS["deepceres"] if not (study.out / derivative_path("sub-01_T1w.nii.gz", key)).exists()
    }
    assert missing == {"t2w", "t2w_mni", "probseg"}  # nobody has asked for the last, and there is no T2w image
    assert (study.out / "sub-01.html").exists() and not list(study.out.glob("sub-02*"))
    assert validator_errors(study.out) == []


def test_outputs_are_the_users_own(study: Study):
    assert {path.stat().st_uid for path in study.out.rglob("*")} == {UID}


def test_description_leads_to_the_data_and_names_the_image(study: Study):
    told = json.loads((study.out / "dataset_description.json").read_text())
    assert told["DatasetLinks"] == {"raw": "file:///data"}
    assert told["GeneratedBy"][0]["Container"] == {"Type": "docker", "Tag": cerebbids.__version__}


def test_group_follows(image: Image, study: Study):
    answer = image.run("/data", "/out", "group", options=[*study.mounted, *TMP])
    assert answer.returncode == 0, answer.stdout
    assert (study.out / "group.html").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="the folder has to be somebody else's")
def test_output_that_belongs_to_another_is_refused_in_one_line(image: Image, study: Study, tmp_path: Path):
    (tmp_path / "out").mkdir(mode=0o755)
    mounted = ["-v", f"{study.raw}:/data:ro", "-v", f"{tmp_path / 'out'}:/out"]
    answer = image.run("/data", "/out", "participant", options=[*mounted, *TMP])
    (line,) = answer.stdout.splitlines()
    assert answer.returncode == 2 and line.startswith("cerebbids: /out: cannot be written to")


def test_work_folder_on_the_read_only_root_is_refused_in_one_line(image: Image, study: Study):
    answer = image.run("/data", "/out", "participant", "-w", "/opt/work", options=study.mounted)
    (line,) = answer.stdout.splitlines()
    assert answer.returncode == 2 and line.startswith("cerebbids: /opt/work: cannot be written to")


@pytest.mark.parametrize("name", ["post", "test"])
def test_lines_of_the_singularity_definition_run(image: Image, name: str):
    root = ["--user", "0:0", "--read-only=false", *TMP]  # as Apptainer builds
    answer = image.run("-e", "-c", section(name), options=root, inside="sh")
    assert answer.returncode == 0, answer.stdout


def test_runscript_hands_its_arguments_on(image: Image, study: Study):
    asked = ["/data", "/out", "participant", "--participant-label", "02", "--dry-run", "-w", "/tmp/a folder"]
    environment = section("environment").strip()
    script = f"{environment}\n{section('runscript')}"
    answer = image.run("-c", script, "cerebbids", *asked, options=[*study.mounted, *TMP], inside="sh")
    assert answer.returncode == 0 and "sub-02" in answer.stdout and "sub-01" not in answer.stdout, answer.stdout
