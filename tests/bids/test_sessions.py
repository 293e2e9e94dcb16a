from pathlib import Path

import pytest

from cerebbids.bids.sessions import consecutive_images

STEMS = [f"sub-1_ses-{label}" for label in ("a", "b", "c")]


def write(raw: Path, text: str) -> Path:
    (raw / "sub-1").mkdir(parents=True)
    (raw / "sub-1" / "sub-1_sessions.tsv").write_text(text)
    return raw


def order(raw: Path, stems: list[str] = STEMS) -> tuple[list[str], str]:
    pairs = consecutive_images(stems, raw)
    return [earlier for earlier, _ in pairs.images] + [pairs.images[-1][1]], pairs.order["sub-1"]


def test_times_of_acquisition_go_before_names(tmp_path):
    raw = write(
        tmp_path,
        "session_id\tacq_time\nses-a\t2011-05-01T10:00:00\nses-b\t2010-05-01T10:00:00\nc\t1925-01-02T00:00:00.5Z\n",
    )
    assert order(raw) == (["sub-1_ses-c", "sub-1_ses-b", "sub-1_ses-a"], "acq_time")


@pytest.mark.parametrize(
    "text",
    [
        "session_id\tacq_time\nses-b\t2010-05-01T10:00:00\nses-a\t2011-05-01T10:00:00\n",
        "session_id\tacq_time\nses-c\t2009-01-01\nses-b\t2010-05-01\nses-a\tn/a\n",
        "session_id\tage\nses-c\t3\n",
        "\x00\n",
        "",
    ],
)
def test_names_tell_the_order_where_not_all_times_are_known(tmp_path, text):
    assert order(write(tmp_path, text)) == (STEMS, "name")


def test_numbers_in_names_are_taken_by_their_value(tmp_path):
    stems = [f"sub-1_ses-{label}" for label in ("w10", "w2", "w02")]
    assert order(tmp_path, stems) == (["sub-1_ses-w02", "sub-1_ses-w2", "sub-1_ses-w10"], "name")


def test_images_are_paired_by_all_their_other_entities(tmp_path):
    stems = [
        "sub-1_ses-a_acq-x_run-1", "sub-1_ses-a_acq-x_run-2", "sub-1_ses-a_rec-n", "sub-1_ses-b_acq-y_run-1",
        "sub-1_ses-b_acq-x_run-2", "sub-1_ses-c_acq-x_run-1", "sub-2_ses-c_rec-n", "sub-1_rec-n",
    ]  # fmt: skip
    pairs = consecutive_images(stems, tmp_path)
    assert pairs.images == (
        ("sub-1_ses-a_acq-x_run-1", "sub-1_ses-c_acq-x_run-1"),
        ("sub-1_ses-a_acq-x_run-2", "sub-1_ses-b_acq-x_run-2"),
    )
    assert pairs.order == {"sub-1": "name"}
