import os

import pytest

from cerebbids.files import atomic, write_text


def test_what_was_there_stays_when_writing_fails(tmp_path):
    target = tmp_path / "table.tsv"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic(target) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.tsv"]


def test_file_that_cannot_be_replaced_is_named_and_not_its_draft(tmp_path):
    target = tmp_path / "table.tsv"
    target.mkdir()
    with pytest.raises(IsADirectoryError) as failure:
        write_text(target, "text")
    assert failure.value.filename == str(target)
    assert os.listdir(tmp_path) == ["table.tsv"]


def test_drafts_of_killed_writers_go_and_those_of_living_ones_stay(tmp_path):
    folder = tmp_path / "sub-[1]"
    with atomic(folder / "table.tsv") as living:
        for name in (".0123abcd_table.tsv", ".0123abcd_other.tsv"):
            (folder / name).touch()
            os.utime(folder / name, (0, 0))
        write_text(folder / "table.tsv", "text")
        assert set(os.listdir(folder)) == {"table.tsv", living.name, ".0123abcd_other.tsv"}


def test_nobody_s_umask_is_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", None)
    write_text(tmp_path / "table.tsv", "text")


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "table.tsv", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "table.tsv").stat().st_mode & 0o777 == 0o640
