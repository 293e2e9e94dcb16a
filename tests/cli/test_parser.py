import os
import subprocess
import sys
from pathlib import Path

import pytest

from cerebbids import __version__
from cerebbids.cli.parser import parse_args
from cerebbids.errors import UsageError


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    (tmp_path / "data").mkdir()
    return [str(tmp_path / "data"), str(tmp_path / "out"), "participant", "-w", str(tmp_path / "work")]


def test_labels_come_with_or_without_prefix_and_in_either_spelling(folders):
    config = parse_args([*folders, "--participant_label", "sub-01", "02", "01", "--session-id", "ses-a"])
    assert (config.participant_labels, config.session_labels) == (("01", "02"), ("a",))


def test_threads_of_one_process_never_exceed_those_of_the_run(folders, tmp_path, capsys):
    assert parse_args([*folders, "--nprocs", "2", "--omp-nthreads", "5"]).omp_nthreads == 2
    assert "--omp-nthreads: 5 CPUs for a process; the run has 2" in capsys.readouterr().err
    (tmp_path / "slurm.yml").touch()  # which has CPUs of its own
    options = ["--nprocs", "2", "--omp-nthreads", "5", "--use-plugin", str(tmp_path / "slurm.yml")]
    assert parse_args([*folders, *options]).omp_nthreads == 5 and not capsys.readouterr().err
    assert parse_args([*folders, "--nprocs", "64"]).omp_nthreads == 8


def test_paths_are_absolute_wherever_the_program_was_started(folders, monkeypatch):
    monkeypatch.chdir(Path(folders[0]).parent)
    config = parse_args(["data", "out", "participant", "-w", "work"])
    assert [str(config.bids_dir), str(config.output_dir)] == folders[:2]


@pytest.mark.parametrize(
    "options",
    [
        ["--device", "gpu"],
        ["--nprocs", "0"],
        ["--random-seed", "dice"],
        ["--mem", "6X"],
        ["--mem", "0G"],
        ["--use-plugin", "/nowhere"],
        ["--t2w", "flair"],
        ["--method", "magic"],
        ["--system", "fetal"],
        *(["--age-months", value] for value in ("-0.5", "-3", "young", "nan", "inf", "1441")),
        ["--library", "/nowhere"],
        *(["--mem-gb", value] for value in ("much", "nan", "inf")),
        ["--models-dir", "/nowhere"],
        ["--unknown"],
    ],
)
def test_senseless_options_end_with_code_2(folders, options, capsys):
    with pytest.raises(SystemExit) as end:
        parse_args([*folders, *options])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert options[-1] in line and line.endswith("; see cerebbids --help")


def test_a_library_is_for_the_method_that_asks_one(folders, tmp_path):
    chosen = parse_args([*folders, "--method", "atlas", "--library", str(tmp_path)])
    assert (chosen.method, chosen.library) == ("atlas", tmp_path)
    with pytest.raises(UsageError, match="--library: is for --method atlas only; add --method atlas"):
        parse_args([*folders, "--library", str(tmp_path)])


def test_dataset_that_is_not_there_is_named(folders, capsys):
    with pytest.raises(SystemExit) as end:
        parse_args(["/nowhere", *folders[1:]])
    assert end.value.code == 2
    assert "/nowhere: is not a folder; check the path" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "work", "reason"),
    [
        ("data", "work", "is the input"),
        (".", "work", "holds the input"),
        ("data/out", "work", "but not below its derivatives folder; choose .*/data/derivatives/cerebbids"),
        ("data/derivatives", "work", "but not below its derivatives folder"),
        ("out", "data/work", "lies in the dataset"),
        ("out", "out", "is the output folder too"),
        ("out", "out/work", "lies in the output folder"),
    ],
)
def test_folders_in_each_other_s_way_are_refused(tmp_path, output, work, reason):
    (tmp_path / "data").mkdir()
    with pytest.raises(UsageError, match=reason):
        parse_args([str(tmp_path / "data"), str(tmp_path / output), "participant", "-w", str(tmp_path / work)])


@pytest.mark.parametrize("part", [["group"], ["participant", "--dry-run"], ["participant", "--reports-only"]])
def test_the_work_folder_may_be_anywhere_where_none_is_needed(part, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    assert parse_args([".", "derivatives/cerebbids", *part]).work_dir == tmp_path / "data" / "work"
    with pytest.raises(UsageError, match="lies in the dataset"):
        parse_args([".", "derivatives/cerebbids", "participant", "--boilerplate-only"])


def test_output_may_lie_below_the_derivatives_of_the_dataset(folders):
    bids_dir, _, *rest = folders
    output = Path(bids_dir) / "derivatives" / "cerebbids"
    assert parse_args([bids_dir, str(output), *rest]).output_dir == output


@pytest.mark.parametrize(
    ("spelling", "choice", "value"),
    [
        (["--n_cpus", "1"], "nprocs", 1),
        (["--mem", "6000"], "mem_gb", 6.0),
        (["--mem", "6G"], "mem_gb", 6.0),
        (["--mem_mb", "6000"], "mem_gb", 6.0),
        (["--disable-tta"], "flip", False),
        (["--sloppy"], "method", "fast"),
        (["--sloppy", "--method", "nets"], "method", "nets"),
        (["--notrack", "--md-only-boilerplate", "--skip_bids_validator", "--random-seed", "7"], "verbosity", 0),
        (["-vv"], "verbosity", 2),
    ],
)
def test_options_that_scripts_bring_along_mean_what_they_do_there(folders, spelling, choice, value):
    assert getattr(parse_args([*folders, *spelling]), choice) == value


@pytest.mark.parametrize("pair", [["--mem", "6G", "--mem-gb", "6"], ["--dry-run", "--reports-only"]])
def test_options_that_say_the_same_twice_are_refused(folders, pair, capsys):
    with pytest.raises(SystemExit):
        parse_args([*folders, *pair])
    assert "not allowed with" in capsys.readouterr().err


def test_a_run_s_choices_come_back_from_its_file(folders, tmp_path):
    (tmp_path / "filter.json").write_text("{}")
    options = [
        "--participant-label",
        "01",
        "02",
        "--t2w",
        "synth",
        "--system",
        "deepceres",
        "--age-months",
        "8.5",
        "--nprocs",
        "2",
        "--mem-gb",
        "7.5",
        "--fast",
        "--save-probabilities",
        "-vv",
    ]
    first = parse_args([*folders, *options, "--bids-filter-file", str(tmp_path / "filter.json"), "--sloppy"])
    first.save(tmp_path / "cerebbids.toml")
    assert parse_args([*folders, "--config-file", str(tmp_path / "cerebbids.toml")]) == first


def test_a_file_pins_nothing_that_was_not_chosen(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    parse_args([*folders, "--flip"]).save(tmp_path / "cerebbids.toml")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    chosen = parse_args([*folders, "--config-file", str(tmp_path / "cerebbids.toml")])
    assert (chosen.nprocs, chosen.omp_nthreads, chosen.flip) == (2, 2, True)
    parse_args([*folders, "--nprocs", "2"]).save(tmp_path / "cerebbids.toml")
    chosen = parse_args([*folders, "--config-file", str(tmp_path / "cerebbids.toml"), "--nprocs", "16"])
    assert (chosen.nprocs, chosen.omp_nthreads) == (16, 8)
    parse_args([*folders, "--participant-label", "01"]).save(tmp_path / "cerebbids.toml")
    chosen = parse_args([*folders, "--config-file", str(tmp_path / "cerebbids.toml"), "--sloppy"])
    assert (chosen.method, chosen.participant_labels) == ("fast", ("01",))
    parse_args([*folders, "--sloppy", "--method", "nets"]).save(tmp_path / "cerebbids.toml")
    assert parse_args([*folders, "--config-file", str(tmp_path / "cerebbids.toml")]).method == "nets"


def test_the_command_line_comes_before_the_file(folders, tmp_path):
    (tmp_path / "a.toml").write_text('method = "atlas"\nparticipant_labels = ["01"]\nflip = true\nnprocs = 2\n')
    chosen = parse_args([*folders, "--config-file", str(tmp_path / "a.toml"), "--method", "nets", "--n-cpus", "1"])
    assert (chosen.method, chosen.participant_labels, chosen.nprocs, chosen.flip) == ("nets", ("01",), 1, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nprocs = 0", "has 0 for --nprocs .*must be a number above 0"),
        ('nprocs = "many"', "has 'many' for --nprocs"),
        ('method = "magic"', "choose of nets, fast, atlas"),
        ('system = "fetal"', "choose of auto, deepceres, infant, isointense, neonatal"),
        ("age_months = 5000", "is nobody's age in months"),
        ("age_months = -0.5", "-0.5: lies before birth; tables of people tell postmenstrual ages"),
        ('participant_labels = "01"', "write a list"),
        ("flip = 1", "write a bool"),
        ("colour = 1", "chooses colour, which is no choice"),
        ("nprocs = ", "cannot be read as TOML"),
        ('library = "/nowhere"', "is not a folder"),
    ],
)
def test_a_file_with_senseless_choices_is_named(folders, tmp_path, text, reason):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UsageError, match=f"a.toml: .*{reason}"):
        parse_args([*folders, "--config-file", str(tmp_path / "a.toml")])


def test_models_lie_in_the_folder_that_the_environment_names(folders, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("CEREBBIDS_HOME", str(tmp_path))
    assert parse_args(folders).models_dir == tmp_path / "models"
    assert parse_args([*folders, "--models-dir", folders[0]]).models_dir == Path(folders[0])
    monkeypatch.setenv("CEREBBIDS_HOME", "/nowhere")
    with pytest.raises(UsageError, match="CEREBBIDS_HOME: names /nowhere"):
        parse_args(folders)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option):
    code = (
        "import sys\n"
        "from cerebbids.cli.run import main\n"
        "try:\n"
        f"    main([{option!r}])\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'ants', 'nipype', 'bids', 'nibabel', 'numpy', 'pandas'} & set(sys.modules)\n"
        "    sys.exit(str(heavy) if heavy else end.code)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "participant" in answer.stdout or __version__ in answer.stdout
