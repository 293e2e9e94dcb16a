"""What is kept, removed and told around images whose own work is left out."""

import os
import shutil
import signal

import pytest

from cerebbids.cli import execute, work
from cerebbids.cli.run import main
from cerebbids.errors import BadImage, CerebbidsError, RegistrationFailed, SegmentationFailed, Unfinished
from cerebbids.files import write_text
from tests.corrected import BY_HAND, corrected


@pytest.mark.parametrize("kind", [BadImage, RegistrationFailed, SegmentationFailed, CerebbidsError, Unfinished])
def test_older_results_go_only_when_the_image_is_at_fault(kind, no_work, dataset, monkeypatch):
    failures = {f"sub-{label}": kind(f"sub-{label}", "is odd", "look") for label in ("01", "02")}
    monkeypatch.setattr(execute, "execute", lambda *_: execute.Outcome(failures, dict.fromkeys(failures, {"mask"})))
    for key in ("xfm_to_mni", "mask"):
        write_text(dataset.path("01", key), "old")
    assert main(dataset.arguments()) == (os.EX_DATAERR if kind is BadImage else 1)
    assert dataset.path("01", "xfm_to_mni").exists() is (kind in (CerebbidsError, Unfinished))
    assert dataset.path("01", "mask").exists()


def test_older_results_stay_when_the_image_is_not_there_at_the_moment(no_work, dataset, monkeypatch):
    monkeypatch.setattr(work, "refused_images", lambda images, *_: [(images[0], BadImage("1", "is not", "get"))])
    source = dataset.source("01")
    source.unlink()
    source.symlink_to("dropped")
    write_text(dataset.path("01", "mask"), "old")
    assert main(dataset.arguments()) == 1
    assert dataset.path("01", "mask").exists()


def test_image_corrected_by_hand_is_refused_before_anything_and_the_others_are_done(
    no_work, dataset, capsys, monkeypatch
):
    done = []
    monkeypatch.setattr(execute, "execute", lambda *call: done.extend(call[2]) or execute.Outcome({}, {}))
    monkeypatch.setattr(
        work, "refused_images", lambda images, *_: [(each, BadImage("1", "is", "x")) for each in images[:-1]]
    )  # that is, of the first image if it came so far
    before = corrected(dataset, "01")
    assert main(dataset.arguments()) == 1
    said = capsys.readouterr()
    (line,) = (line for line in said.err.splitlines() if "sub-01" in line)
    assert line == (
        f"sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: {BY_HAND}; move it away, or count again with cerebbids-tables"
    )
    assert said.out.strip().splitlines()[-1] == f"1 done, 1 failed: sub-01 ({BY_HAND})"
    assert [image.subject for image in done] == ["02"]
    assert {path: path.read_bytes() for path in before} == before
    page = (dataset.out / "sub-01.html").read_text()
    assert line in page and "<dt>Corrected by hand</dt><dd>seg-Lobules</dd>" in page
    dataset.path("01", "dseg").rename(dataset.out.parent / "away.nii.gz")
    done.clear()
    monkeypatch.setattr(work, "refused_images", lambda *_: ())
    assert main(dataset.arguments()) == 0 and len(done) == 2


def test_nothing_corrected_by_hand_is_removed_when_its_image_fails(no_work, dataset, capsys, monkeypatch):
    """As when it is corrected while the run goes on, or when another image has the same name."""
    before = {}

    def fail(*_):
        before.update(corrected(dataset, "01"))
        failures = {"sub-01": SegmentationFailed("sub-01", "is odd", "look")}
        return execute.Outcome(failures, dict.fromkeys(failures, frozenset()))

    monkeypatch.setattr(execute, "execute", fail)
    shutil.copy(dataset.source("02"), dataset.source("02").with_suffix(""))
    before |= corrected(dataset, "02")
    assert main(dataset.arguments()) == 1
    assert {path: path.read_bytes() for path in before} == before and len(before) == 4
    said = capsys.readouterr().err
    for label in ("01", "02"):
        kept = f"; all that was made of sub-{label}/anat/sub-{label}_T1w.nii.gz before is kept"
        assert f"sub-{label}/anat/sub-{label}_seg-Lobules_dseg.nii.gz: {BY_HAND}{kept}" in said


def test_map_of_which_nobody_can_tell_whether_it_was_corrected_is_told(no_work, dataset, capsys):
    write_text(dataset.path("01", "dseg"), "old")
    assert main(dataset.arguments()) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sub-01/anat/sub-01_seg-Lobules_dseg.nii.gz: has no hash in its sidecar, so that nobody can")


def test_page_that_cannot_be_written_is_told_and_the_others_are(no_work, dataset, capsys):
    (dataset.out / "sub-01.html").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("2 done, 1 failed: sub-01.html (could not be written")
    assert "sub-01.html: could not be written" in told.err and "Traceback" not in told.err
    assert (dataset.out / "sub-02.html").is_file()


def test_participant_without_an_image_has_a_page_that_says_so(no_work, dataset):
    (dataset.raw / "sub-03" / "func").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    assert "has no T1w image" in (dataset.out / "sub-03.html").read_text()


def test_folder_that_cannot_be_written_fails_its_images_and_no_other(no_work, dataset, capsys):
    (dataset.out / "sub-01").write_text("not a folder")
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("1 done, 1 failed: sub-01 (has outputs that cannot be written")
    assert "Traceback" not in told.err


def test_older_output_that_cannot_be_removed_is_told_and_keeps_nobody_back(no_work, dataset, capsys, monkeypatch):
    def refuse(images, *_):
        yield images[0], BadImage(images[0].relative, "is empty", "copy it again")

    monkeypatch.setattr(work, "refused_images", refuse)
    dataset.path("01", "dseg").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1] == "1 done, 1 failed: sub-01 (is empty)"
    assert "_dseg.nii.gz: is out of date and cannot be removed" in told.err and "Traceback" not in told.err


def test_full_disk_in_the_middle_still_gives_reports_and_the_last_line(no_work, dataset, capsys):
    (dataset.out / "logs").write_text("not a folder")
    assert main(dataset.arguments()) == 1
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("0 done, 2 failed: sub-01 (was not finished (FileExistsError")
    assert "Traceback" not in told.err
    assert (dataset.out / "sub-02.html").is_file()


def test_full_disk_at_the_start_is_one_line(no_work, dataset, capsys):
    (dataset.out / "README.md").mkdir(parents=True)
    assert main(dataset.arguments()) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cerebbids: /") and "Is a directory; mend it" in line


def test_interruption_while_images_are_looked_at_is_told_too(no_work, dataset, capsys, monkeypatch):
    def interrupt(*_):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(work, "refused_images", interrupt)
    before = signal.getsignal(signal.SIGTERM)
    assert main(dataset.arguments()) == 143
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("0 done, 2 failed: sub-01 (was interrupted)")
    assert signal.getsignal(signal.SIGTERM) == before
