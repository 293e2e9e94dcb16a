"""Parts of a run, the end at the first failure, and what becomes of the work folder."""

import os
import sys

import pytest

from cerebbids.cli.run import main
from cerebbids.files import write_text
from tests.app import prepare

NAMES = ("sub-01/anat/sub-01", "sub-02/anat/sub-02")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):
    """A run of two images, of which one cannot be done."""
    run = prepare(tmp_path_factory.mktemp("done"), NAMES[0], "sub-implausible/anat/sub-implausible")
    assert run.run("--rm-workdir-on-success")[0] == 1
    return run


def test_methods_alone_are_written_without_any_work(dataset, capsys):
    assert main(dataset.arguments("--boilerplate-only")) == 0
    assert capsys.readouterr().out.strip() == str(dataset.out / "logs" / "CITATION.md")
    assert "denoised" in (dataset.out / "logs" / "CITATION.md").read_text()
    assert not list(dataset.out.glob("sub-*")) and not list(dataset.work.glob("cerebbids_wf"))


def test_reports_alone_are_written_of_what_is_there(done, capsys):
    pages = [done.out / f"sub-{subject}.html" for subject in ("01", "implausible")]
    before = [page.read_text() for page in pages]
    for page in pages:
        page.unlink()
    assert main(done.arguments("--reports-only", "--participant-label", "01")) == 0
    assert pages[0].read_text() == before[0] and not pages[1].exists()
    assert main(done.arguments("--reports-only")) == 0
    assert [page.read_text() for page in pages] == before


@pytest.mark.parametrize("options", [(), ("--participant-label", "02")])
def test_nothing_to_report_is_one_line(dataset, options, capsys):
    assert main(dataset.arguments("--reports-only", *options)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no results to report" in line


def test_intermediate_files_of_an_image_stay_when_it_failed_and_go_when_it_is_done(done):
    left = {path.name for path in (done.work / "cerebbids_wf").iterdir()}
    assert "sub_implausible_wf" in left and "sub_01_wf" not in left


@pytest.mark.long
def test_first_removing_intermediate_files_makes_them_anew(tmp_path):
    run = prepare(tmp_path, NAMES[0])
    run.run()
    first = next(run.work.rglob("conform.nii")).stat().st_mtime_ns
    assert run.run("--clean-workdir")[0] == 0
    assert next(run.work.rglob("conform.nii")).stat().st_mtime_ns > first
    (run.work / "notes.txt").write_text("mine")
    (run.work / "cerebbids_wf" / "sub_other_wf").mkdir()
    (run.work / "cerebbids_wf" / "batch").mkdir()
    for image in ("sub_01_wf", "xsub_01_wf"):
        (run.work / "cerebbids_wf" / "batch" / f"pyscript_1_2_cerebbids_wf.{image}.part_wf_step.py").touch()
    assert run.run("--rm-workdir-on-success")[0] == 0
    assert (run.work / "notes.txt").read_text() == "mine"
    assert {path.name for path in (run.work / "cerebbids_wf").iterdir() if path.is_dir()} == {"sub_other_wf", "batch"}
    assert [path.name for path in (run.work / "cerebbids_wf" / "batch").iterdir()] == [
        "pyscript_1_2_cerebbids_wf.xsub_01_wf.part_wf_step.py"
    ]


def test_first_failure_ends_the_run_when_that_is_asked_for(tmp_path):
    run = prepare(tmp_path, "sub-implausible/anat/sub-implausible", "sub-slow/anat/sub-slow")
    code, last, _ = run.run("--stop-on-first-crash")
    told = "0 done, 2 failed: sub-implausible (the cerebellum found is implausible), sub-slow (was not finished, as "
    assert code == 1 and last.startswith(told) and last.endswith("another image failed (--stop-on-first-crash))")


def test_an_image_that_cannot_be_read_ends_it_before_it_begins(tmp_path):
    run = prepare(tmp_path, *NAMES)
    run.source("01").write_bytes(b"")
    code, last, _ = run.run("--stop-on-first-crash")
    assert code == 1 and last.startswith("0 done, 2 failed: sub-01 (is empty), sub-02 (was not finished, as")
    assert not list(run.work.rglob("conform.nii"))


def test_no_image_that_can_be_read_is_the_data_s_fault(tmp_path):
    run = prepare(tmp_path, *NAMES)
    for name in NAMES:
        run.source(name).write_bytes(b"")
    assert run.run()[0] == os.EX_DATAERR


def test_a_mistake_of_the_program_is_its_own_code(no_work, dataset, monkeypatch, capsys):
    from cerebbids.cli import execute

    def fail(*_):
        raise LookupError("what should not be")

    monkeypatch.setattr(execute, "execute", fail)
    assert main(dataset.arguments()) == os.EX_SOFTWARE
    assert "was not finished (LookupError: what should not be)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plugin: Magic", "a.yml: names the plugin Magic, which is not supported; choose of MultiProc, SLURM, SGE"),
        ("plugin: SLURMGraph", "names the plugin SLURMGraph"),
        ("- SLURM", "a.yml: does not name a plugin and its plugin_args"),
        ("plugin: [", "a.yml: cannot be read as YAML"),
        ("plugin: !!python/object/apply:os.system [ls]", "a.yml: cannot be read as YAML"),
    ],
)
def test_a_plugin_that_is_none_is_one_line(dataset, tmp_path, text, line, capsys):
    (tmp_path / "a.yml").write_text(text)
    assert main(dataset.arguments("--use-plugin", str(tmp_path / "a.yml"))) == 2
    err = capsys.readouterr().err
    assert line in err and len(err.splitlines()) == 1


def test_a_scheduler_gets_no_path_that_its_shell_would_take_apart(dataset, tmp_path, capsys):
    write_text(tmp_path / "a.yml", "plugin: SLURM")
    arguments = dataset.arguments("--use-plugin", str(tmp_path / "a.yml"))
    arguments[arguments.index("-w") + 1] = str(tmp_path / "a; touch b")
    assert main(arguments) == 2
    assert "has a space or a special character in its path" in capsys.readouterr().err


def test_arguments_of_the_local_plugin_count(no_work, dataset, tmp_path, monkeypatch):
    from cerebbids.cli import execute

    asked = []
    monkeypatch.setattr(execute, "execute", lambda *call: asked.append(call[3]) or execute.Outcome({}, {}))
    write_text(tmp_path / "a.yml", "plugin: MultiProc\nplugin_args: {n_procs: 1}")
    assert main(dataset.arguments("--use-plugin", str(tmp_path / "a.yml"))) == 0
    assert (asked[0].name, asked[0].args, asked[0].is_local) == ("MultiProc", {"n_procs": 1}, True)
    assert "yaml" in sys.modules
