"""What the user asked for: one frozen object, passed explicitly, that writes TOML."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cerebbids.files import write_text
from cerebbids.systems.ages import AUTO


def usable_cpus() -> int:
    """Count the CPUs that this process may use (what a scheduler granted, not what the node has)."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class RunConfig:
    """Choices of one run.

    Parameters
    ----------
    bids_dir, output_dir, work_dir : Path
        Raw dataset, derivatives dataset, folder of intermediate files (kept, so that a run resumes).
    analysis_level, system : str
        ``participant`` or ``group``; which published system segments, ``auto`` for each person's age's.
    age_months : float, optional
        Age of everybody in the run, in months since birth; none means that the dataset's tables tell it.
    participant_labels, session_labels : tuple of str
        Labels without ``sub-`` and ``ses-``; empty means all.
    bids_filter_file : Path, optional
        JSON file of PyBIDS filters, as fMRIPrep takes it.
    bids_database_dir : Path, optional
        Folder of a PyBIDS database, made where it is missing and never renewed; none means that folders are read.
    t2w : str
        ``auto`` (a T2w image of the same session where it passes a check), ``real`` (no other), ``synth`` (never one).
    nprocs, omp_nthreads : int
        CPUs for the whole run, and for one process of it.
    mem_gb : float, optional
        Memory for the whole run, in GB; none means nine tenths of what there is.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    n_gpu_procs : int
        How many images may be on the GPU at once.
    plugin_file : Path, optional
        YAML file that names a nipype plugin and its arguments: a scheduler's, for one.
    stop_on_first_crash : bool
        Whether the first image that fails ends the run.
    clean_workdir, rm_workdir_on_success : bool
        Whether to remove the images' intermediate files before the run; after it, those of images that are done.
    models_dir : Path, optional
        Folder of model bundles in place of the packaged one.
    method : str
        ``nets`` (the cascade of networks names the lobules), ``fast`` (one network at 1 mm does) or ``atlas`` (a
        library of labelled cerebella does).
    flip : bool
        Whether the cascade sees the mirror image, too.
    save_probabilities : bool
        Whether to write the probabilities of all labels.
    library : Path, optional
        Folder of the library that votes in place of the bundle's.
    sloppy : bool
        Coarse registration, for trying the program out.
    norms : Path, optional
        Table of norms that the reports hold volumes against.
    dry_run, reports_only, boilerplate_only : bool
        Only show what would be made; only write the reports of what is there; only write the methods text.
    verbosity : int
        0 quiet, 1 informative, 2 everything.

    Examples
    --------
    >>> config = RunConfig(Path("/data"), Path("/out"), Path("/work"), participant_labels=("01",))
    >>> import tomllib
    >>> tomllib.loads(config.to_toml())["participant_labels"]
    ['01']
    """

    bids_dir: Path
    output_dir: Path
    work_dir: Path
    analysis_level: str = "participant"
    system: str = AUTO
    age_months: float | None = None
    participant_labels: tuple[str, ...] = ()
    session_labels: tuple[str, ...] = ()
    bids_filter_file: Path | None = None
    bids_database_dir: Path | None = None
    t2w: str = "auto"
    nprocs: int = field(default_factory=usable_cpus)
    omp_nthreads: int = field(default_factory=lambda: min(8, usable_cpus()))
    mem_gb: float | None = None
    device: str = "auto"
    n_gpu_procs: int = 1
    plugin_file: Path | None = None
    stop_on_first_crash: bool = False
    clean_workdir: bool = False
    rm_workdir_on_success: bool = False
    models_dir: Path | None = None
    method: str = "nets"
    flip: bool = False
    save_probabilities: bool = False
    library: Path | None = None
    sloppy: bool = False
    norms: Path | None = None
    dry_run: bool = False
    reports_only: bool = False
    boilerplate_only: bool = False
    verbosity: int = 0

    def to_toml(self) -> str:
        """Write the choices as TOML; defaults, which need not be those of another machine or run, as comments."""
        follow = {"omp_nthreads": min(8, self.nprocs), "method": "fast" if self.sloppy else "nets"}
        usual = RunConfig(self.bids_dir, self.output_dir, self.work_dir, **follow)
        where = ("bids_dir", "output_dir", "work_dir")
        # A JSON string, number, boolean or list of strings is the same in TOML.
        return "".join(
            f"{'' if name in where or value != getattr(usual, name) else '# '}"
            f"{name} = {json.dumps(value, default=os.fspath, ensure_ascii=False)}\n"
            for name, value in asdict(self).items()
            if value is not None
        )

    def save(self, path: Path) -> None:
        """Write the choices to a file, atomically."""
        write_text(path, self.to_toml())
