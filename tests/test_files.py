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


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "table.tsv", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "table.tsv").stat().st_mode & 0o777 == 0o640
