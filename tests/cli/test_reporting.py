import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from cerebbids.bids.names import derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.cli.records import HALF, forget_half, keep_progress, read_records
from cerebbids.cli.reporting import subject_images
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, Busy, CerebbidsError, Corrected, Interrupted, Unfinished, WrongAge
from cerebbids.reports.image import ImageReport
from cerebbids.reports.summary import RunSummary
from tests.datasets import make_dataset

RUN = RunSummary("1.0", "cerebbids a", "Denoised.", datetime(2026, 1, 2), 75.0)
NAMES = {name: f"sub-01/ses-{name}/anat/sub-01_ses-{name}_T1w.nii.gz" for name in "ab"}
EMPTY = BadImage(NAMES["b"], "is empty", "copy it again")


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    raw = make_dataset(tmp_path / "raw", *(name.removesuffix("_T1w.nii.gz") for name in NAMES.values()))
    return RunConfig(raw, tmp_path / "out", tmp_path / "work")


def put(config: RunConfig, source: str, key: str, **provenance) -> Path:
    target = config.output_dir / derivative_path(source, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("")
    sidecar_path(target).write_text(json.dumps({"CerebBIDS": provenance}))
    return target


def page(
    config: RunConfig, *sessions: str, failures: dict[str, CerebbidsError] | None = None, run: RunSummary = RUN
) -> dict[str, ImageReport]:
    """What a run on some sessions of the subject shows, by the names."""
    images = [SourceImage(config.bids_dir / NAMES[name], "01", NAMES[name]) for name in sessions]
    return {report.name: report for report in subject_images(config, "01", images, failures or {}, run)}


def test_page_has_what_this_run_and_earlier_ones_made(config):
    earlier = NAMES["a"]
    put(config, earlier, "dseg", version="0.9", model="net", seconds=61.4, warnings=["The cerebellum is small."])
    put(config, earlier, "dseg_mni")
    put(config, earlier, "xfm_to_mni", strategy="brain", overlap=0.91234)
    figure = put(config, earlier, "figure_dseg")
    put(config, "sub-02/anat/sub-02_T1w.nii.gz", "dseg")

    done, broken = page(config, "b", failures={"sub-01_ses-b": EMPTY}).values()
    assert done.name == "sub-01_ses-a_T1w.nii.gz" and done.errors == ()
    assert done.figures == {"figure_dseg": figure}
    assert done.warnings == ("The cerebellum is small.",)
    assert {"cerebbids 0.9", "net", "61 s", "brain", "0.912"} <= set(done.facts.values())
    assert broken.errors == (str(EMPTY),) and broken.figures == {} and broken.tables == {}


def test_failure_of_an_earlier_run_stays_until_the_image_is_done_or_gone(config):
    page(config, "b", failures={"sub-01_ses-b": EMPTY})
    name = Path(NAMES["b"]).name
    assert page(config, "a")[name].errors == (str(EMPTY),)
    put(config, NAMES["b"], "dseg")
    assert page(config, "b")[name].errors == page(config, "a")[name].errors == ()
    page(config, "b", failures={NAMES["b"]: EMPTY})  # ambiguous, and so by its path
    assert page(config, "a")[NAMES["b"]].errors == (str(EMPTY),)
    (config.bids_dir / NAMES["b"]).unlink()
    assert NAMES["b"] not in page(config, "a")


def test_image_is_shown_with_the_run_that_made_it(config):
    for name in NAMES.values():
        put(config, name, "dseg")
    later = replace(RUN, version="2.0", command="cerebbids b", methods_md="Denoised twice.")
    page(config, "a")
    shown = page(config, "b", run=later)
    assert [shown[Path(name).name].run for name in NAMES.values()] == [RUN, later]


def test_failure_tells_the_methods_of_no_result_or_of_the_older_one(config):
    later = replace(RUN, methods_md="Denoised twice.")
    name = Path(NAMES["b"]).name
    assert page(config, "b", failures={"sub-01_ses-b": EMPTY}, run=later)[name].run.methods_md == ""
    put(config, NAMES["b"], "dseg")
    page(config, "b")
    assert page(config, "b", failures={"sub-01_ses-b": EMPTY}, run=later)[name].run == RUN


def test_corrected_image_is_shown_as_it_was_and_with_the_reason_for_this_run_alone(config):
    figure = put(config, NAMES["b"], "figure_dseg")
    put(config, NAMES["b"], "dseg", version="2.0", model="net", corrected=True)
    page(config, "b")
    later = replace(RUN, version="2.0", command="cerebbids b", methods_md="Labelled by net.")
    spared = Corrected("sub-01_dseg.nii.gz", "was corrected by hand", "move it away")
    (shown,) = page(config, "b", failures={"sub-01_ses-b": spared}, run=later).values()
    assert (shown.run, shown.errors, shown.figures) == (RUN, (str(spared),), {"figure_dseg": figure})
    shown = page(config, "a")[Path(NAMES["b"]).name]
    assert (shown.run, shown.errors) == (RUN, ())


def test_labels_of_a_run_that_failed_after_them_are_told_with_its_methods(config):
    page(config, "b")
    later = replace(RUN, version="2.0", methods_md="Labelled by net 2.0+abc.")
    put(config, NAMES["b"], "dseg", version="2.0", model="net 2.0+abc")
    assert page(config, "b", failures={"sub-01_ses-b": EMPTY}, run=later)[Path(NAMES["b"]).name].run == later


@pytest.mark.parametrize(("key", "meant", "wrong"), [
    ("dseg", None, True), ("tissues", None, True), ("tissues", "deepceres", True), ("dseg", "deepceres", False),
])  # fmt: skip
def test_labels_of_a_system_for_other_ages_are_known_and_not_shown(config, key, meant, wrong):
    labels = put(config, NAMES["b"], key, version="1.0")
    figure = put(config, NAMES["b"], "figure_tissues_dseg" if key == "tissues" else "figure_dseg")
    page(config, "b")
    later = replace(RUN, methods_md="Denoised twice.")
    refusal = WrongAge(NAMES["b"], "is of a person of 1 month", "correct the age", meant)
    shown = page(config, "b", failures={"sub-01_ses-b": refusal}, run=later)[Path(NAMES["b"]).name]
    record = read_records(config.output_dir, "01")[NAMES["b"]]
    assert (record.wrong_age, record.run, shown.errors) == (wrong, RUN, (str(refusal),))
    assert (not shown.figures, not shown.facts, shown.run.methods_md == "") == (wrong, wrong, wrong)
    assert ("They are not shown." in " ".join(shown.warnings)) == wrong and figure.exists()
    labels.rename(labels.with_suffix(".away"))
    gone = page(config, "b", failures={"sub-01_ses-b": refusal}, run=later)[Path(NAMES["b"]).name]
    assert "They are not shown." not in " ".join(gone.warnings)
    labels.with_suffix(".away").rename(labels)
    assert figure in page(config, "b")[Path(NAMES["b"]).name].figures.values()
    assert not read_records(config.output_dir, "01")[NAMES["b"]].wrong_age


def test_record_that_is_damaged_or_cannot_be_written_ends_nothing(config):
    page(config, "b", failures={"sub-01_ses-b": EMPTY})
    (record,) = config.output_dir.glob("sub-01/log/ses-b/anat/*.json")
    for damaged in ("", "[]", "{}", '{"run": {"started": 1}}'):
        record.write_text(damaged)
        assert page(config) == {}
    record.unlink()
    record.mkdir()
    assert page(config, "b", failures={"sub-01_ses-b": EMPTY})[Path(NAMES["b"]).name].state == "failed"


def test_participant_without_an_image_is_told_beside_older_results(config):
    put(config, NAMES["a"], "dseg")
    missing = BadImage("sub-01", "has no T1w image that matches the request", "add one")
    assert [report.state for report in page(config, failures={"sub-01": missing}).values()] == ["failed", "done"]


def test_sidecar_that_is_broken_is_told_on_the_page(config):
    for broken in ("{", "[]", '{"CerebBIDS": 1}'):
        sidecar_path(put(config, NAMES["a"], "dseg")).write_text(broken)
        (report,) = page(config).values()
        assert report.warnings[0].startswith("sub-01_ses-a_seg-Lobules_dseg.json cannot be read")


def test_images_whose_names_are_ambiguous_are_on_the_page_by_their_paths(config):
    paths = ("sub-01/anat/sub-01_T1w.nii", "sub-01/anat/sub-01_T1w.nii.gz", "sub-011/anat/sub-011_T1w.nii")
    errors = {path: BadImage(path, "would share its outputs with another", "rename it") for path in paths}
    for path in paths:
        (config.bids_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (config.bids_dir / path).touch()
    reports = page(config, failures=errors)
    assert tuple(reports) == paths[:2]
    assert all(report.state == "failed" for report in reports.values())


VOTERS = {"members": 3, "sha256": "0123456789abcdef"}
BOTH = "network at 1 mm and cascade of networks"
GUESS = "from the mean of the first and the vote of a library of 3 cerebella"
TISSUES = {"csf": 87.14, "gm": 412.26, "wm": 640.0}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"icv_mm3": 1432400.0, "t2w": "real"}, ["1432 cm³", "REAL T2w"]),
        ({"icv_mm3": None, "t2w": "synth"}, ["not measured", "SYNTHETIC T2w"]),
        ({"method": "fast", "library": None, "icv_mm3": None}, ["network at 1 mm", "not measured"]),
        ({"method": "nets", "library": VOTERS, "icv_mm3": None}, [f"{BOTH}, {GUESS}", "not measured"]),
        (
            {"method": "nets", "library": VOTERS, "flip": True, "icv_mm3": None},
            [f"{BOTH} and their mirror images, {GUESS}", "not measured"],
        ),
        ({"method": "atlas", "library": VOTERS, "icv_mm3": None}, ["vote of a library of 3 cerebella", "not measured"]),
        ({"icv_mm3": None, "tissues": TISSUES}, ["not measured", "fluid 87.14, grey matter 412.3, white matter 640"]),
    ],
)
def test_what_was_found_on_the_way_is_told(config, made, told):
    put(config, NAMES["a"], "dseg", **made)
    (report,) = page(config).values()
    assert [value[: len(words)] for value, words in zip(report.facts.values(), told, strict=True)] == told
    assert report.remarks.get("figure_t2w", "").startswith(told[1]) == ("t2w" in made)


def test_corrected_maps_are_named_once_by_their_schemes(config):
    for key, corrected in {"dseg": False, "carved": True, "carved_fine": True, "vermis": True}.items():
        put(config, NAMES["a"], key, corrected=corrected)
    (report,) = page(config).values()
    assert report.facts == {"Corrected by hand": "seg-DeepCERES, seg-LobulesVermis"}


def test_labels_of_an_older_version_tell_nothing_of_cavity_and_t2w(config):
    put(config, NAMES["a"], "dseg", model="net")
    (report,) = page(config).values()
    assert (dict(report.facts), dict(report.remarks)) == ({"Model": "net"}, {})


LATER = replace(RUN, started=datetime(2026, 1, 3), methods_md="Sharpened.")


def images(config: RunConfig, *sessions: str) -> list[SourceImage]:
    return [SourceImage(config.bids_dir / NAMES[name], "01", NAMES[name]) for name in sessions]


@pytest.mark.parametrize("kind", [Busy, Corrected, Interrupted, Unfinished])
def test_a_run_that_did_nothing_to_an_image_leaves_what_was_said_of_it(kind, config):
    put(config, NAMES["a"], "dseg")
    page(config, "a")
    error = kind(NAMES["a"], "was not touched", "wait")
    (shown,) = page(config, "a", failures={"sub-01_ses-a": error}, run=LATER).values()
    assert shown.errors == (str(error),) and shown.run == RUN
    assert read_records(config.output_dir, "01")[NAMES["a"]].error == ""


@pytest.mark.parametrize("kind", [Interrupted, Unfinished, BadImage])
def test_a_run_that_began_to_write_an_image_and_failed_says_so_for_good(kind, config):
    put(config, NAMES["a"], "dseg")
    page(config, "a")
    keep_progress(config.output_dir, images(config, "a")[0], done=False, run=LATER)
    error = kind(NAMES["a"], "came to an end", "run again")
    page(config, "a", failures={"sub-01_ses-a": error}, run=LATER)
    assert read_records(config.output_dir, "01")[NAMES["a"]].error == str(error)


def test_a_run_that_is_killed_while_it_writes_has_said_so(config):
    page(config, "a")
    keep_progress(config.output_dir, images(config, "a")[0], done=False, run=LATER)
    record = read_records(config.output_dir, "01")[NAMES["a"]]
    assert (record.error, record.run.methods_md, record.run.started) == (HALF, "Denoised.", LATER.started)
    keep_progress(config.output_dir, images(config, "a")[0], done=True, run=LATER)
    record = read_records(config.output_dir, "01")[NAMES["a"]]
    assert (record.error, record.run.methods_md) == ("", "Sharpened.") and record.run.seconds > 0


def test_an_image_that_is_counted_again_is_no_longer_half_written(config):
    for image in images(config, "a", "b"):
        keep_progress(config.output_dir, image, done=False, run=LATER)
    forget_half(config.output_dir, "01", "sub-01_ses-a")
    assert [record.error for record in read_records(config.output_dir, "01").values()] == ["", HALF]
