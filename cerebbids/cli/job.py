"""What ``cerebbids-predict`` is asked to do with an image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to segment, with what, where to.

    Parameters
    ----------
    system : str
        Which model bundle.
    t1w : Path
        In one plain form; its grid is the grid of the native outputs.
    models_dir : Path or None
        Folder of bundles; ``None`` is the packaged one.
    device : str
    cpu_threads : int
    out_dir : Path
    """

    system: str
    t1w: Path
    models_dir: Path | None
    device: str
    cpu_threads: int
    out_dir: Path


@dataclass(frozen=True, kw_only=True)
class LobuleJob(Job):
    """A preprocessed T1w image, to find lobules in.

    Parameters
    ----------
    xfm : Path
        ITK affine from the T1w to the working space.
    skull_stripped : bool
        Whether the T1w shows a bare brain.
    t2w, xfm_t2w : Path or None
        Preprocessed T2w to use, and the ITK affine from it to the T1w.
    t2w_required : bool
        Whether to fail when that cannot be used.
    method : str
        ``nets``, ``fast`` or ``atlas``: what names the lobules.
    flip : bool
        Whether ``nets`` see the mirror image, too.
    save_probabilities : bool
        Whether to write the probabilities of all labels.
    library : Path or None
        Folder of the library that votes; ``None`` is the bundle's.
    """

    xfm: Path
    skull_stripped: bool
    t2w: Path | None
    xfm_t2w: Path | None
    t2w_required: bool
    method: str
    flip: bool
    save_probabilities: bool
    library: Path | None


@dataclass(frozen=True, kw_only=True)
class InfantJob(Job):
    """An infant's T1w image, to label tissues of the cerebellum in; ``months`` since birth, or corrected."""

    months: float


@dataclass(frozen=True, kw_only=True)
class BrainJob(Job):
    """An infant's T1w and T2w images, to label the brain in.

    Parameters
    ----------
    t2w : Path
        In one plain form; where it lies to the T1w image is not known yet.
    months : float or None
        Age since term, where it is known; no network goes by it.
    """

    t2w: Path
    months: float | None


AnyJob = LobuleJob | InfantJob | BrainJob
_KINDS: Mapping[str, type[AnyJob]] = {"infant": InfantJob, "isointense": BrainJob, "neonatal": BrainJob}


def read_job(path: Path) -> AnyJob:
    """Read a job from JSON (keys: the fields of the class of its system)."""
    told = json.loads(Path(path).read_text())
    kind = _KINDS.get(told["system"], LobuleJob)
    places = ("t1w", "xfm", "t2w", "xfm_t2w", "library", "models_dir", "out_dir")
    return kind(**{key: Path(value) if key in places and value else value for key, value in told.items()})
