from types import SimpleNamespace

from cerebbids.cli.progress import RunProgress


def test_an_image_is_called_done_after_its_last_step_and_never_when_one_failed(capsys):
    with RunProgress({"a_wf": 2, "b_wf": 2}, {"a_wf": "sub-a", "b_wf": "sub-b"}, lambda *_: None) as progress:
        for image, step, status in (
            ("a_wf", "denoise", "start"),
            ("a_wf", "denoise", "end"),
            ("b_wf", "denoise", "end"),
            ("b_wf", "predict", "exception"),
            ("b_wf", "predict", "end"),
        ):
            progress(SimpleNamespace(fullname=f"cerebbids_wf.{image}.part_wf.{step}"), status)
        assert "done" not in capsys.readouterr().err
        progress(SimpleNamespace(fullname="cerebbids_wf.a_wf.part_wf.predict"), "end")
    shown = capsys.readouterr().err
    assert progress.is_done("a_wf") and not progress.is_done("b_wf")
    assert progress.ended == {"a_wf": {"part_wf.denoise", "part_wf.predict"}, "b_wf": {"part_wf.denoise"}}
    assert "sub-a: done" in shown and "sub-b: done" not in shown


def test_an_image_is_told_before_its_first_result_is_written_and_when_it_is_done():
    told, begun = [], ("a_wf", False)
    with RunProgress({"a_wf": 3}, {"a_wf": "sub-a"}, lambda *heard: told.append(heard)) as progress:
        for step, heard in (("denoise", []), ("ds_mask", [begun]), ("ds_dseg", [begun])):
            progress(SimpleNamespace(fullname=f"cerebbids_wf.a_wf.part_wf.{step}"), "start")
            assert told == heard
        for step, heard in (("denoise", [begun]), ("ds_mask", [begun]), ("ds_dseg", [begun, ("a_wf", True)])):
            progress(SimpleNamespace(fullname=f"cerebbids_wf.a_wf.part_wf.{step}"), "end")
            assert told == heard
