import tomllib
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest

from cerebbids.config import RunConfig


def test_toml_keeps_every_choice():
    config = RunConfig(
        bids_dir=Path("/data/größe \"1\""),
        output_dir=Path("/out"),
        work_dir=Path("/work dir"),
        system="infant",
        age_months=8.5,
        participant_labels=("01", "02"),
        session_labels=("a",),
        bids_filter_file=Path("/f.json"),
        bids_database_dir=Path("/db"),
        t2w="real",
        nprocs=3,
        omp_nthreads=2,
        mem_gb=7.5,
        device="cuda:1",
        plugin_file=Path("/slurm.yml"),
        models_dir=Path("/models"),
    norms=Path("/norms.tsv"),
        method="atlas",
        library=Path("/library"),
        verbosity=2,
    )  # fmt: skip
    text = config.to_toml()
    expected = {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        for name, value in asdict(config).items()
    }
    assert tomllib.loads(text.replace("# ", "")) == expected
    usual = asdict(RunConfig(config.bids_dir, config.output_dir, config.work_dir, omp_nthreads=3))
    chosen = {name for name, value in asdict(config).items() if value != usual[name]}
    assert tomllib.loads(text).keys() == {*chosen, "bids_dir", "output_dir", "work_dir"}


def test_file_is_written_where_there_is_no_folder_yet(tmp_path):
    config = RunConfig(Path("/data"), Path("/out"), Path("/work"))
    config.save(tmp_path / "log" / "cerebbids.toml")
    assert (tmp_path / "log" / "cerebbids.toml").read_text() == config.to_toml()
    assert "mem_gb" not in config.to_toml()  # what was not given is left out


def test_choices_cannot_change_during_the_run():
    with pytest.raises(FrozenInstanceError):
        RunConfig(Path("/data"), Path("/out"), Path("/work")).device = "cpu"
