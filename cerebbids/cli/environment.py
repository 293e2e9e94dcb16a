"""What libraries find around them: folders to write to, and no network."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cerebbids.errors import UsageError
from cerebbids.files import write_text
from cerebbids.systems.space import SPACE

_TEMPLATE = f"tpl-{SPACE}"


def ensure_home() -> None:
    """Give a user without a name, as in a container, the root for a home: libraries look for their settings there."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def prepare_environment(work_dir: Path) -> None:
    """Point the libraries' caches into the work folder, before any of them is loaded.

    The home folder may be read-only or missing, as in a container. niworkflows opens TemplateFlow's folder
    when it is imported, and would fill it; it gets one that knows the working space and nothing else: the one that
    is there already, as in a container, or a new one.

    Parameters
    ----------
    work_dir : Path
        Folder that can be written to.
    """
    cache = work_dir / ".cache"
    folders = {name: cache / name.lower() for name in ("MPLCONFIGDIR", "NIPYPE_CONFIG_DIR", "XDG_CACHE_HOME")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    templateflow = Path(os.environ.get("TEMPLATEFLOW_HOME", cache))
    if not _is_pruned(templateflow):
        templateflow = cache / "templateflow"
        make_templateflow(templateflow)
    os.environ |= {
        **{name: str(folder) for name, folder in folders.items()},
        "TEMPLATEFLOW_HOME": str(templateflow),
        "TEMPLATEFLOW_AUTOUPDATE": "0",
        "NIPYPE_NO_ET": "1",
        "NO_ET": "1",
    }


def make_templateflow(folder: Path) -> None:
    """Make a TemplateFlow folder that names the working space: templates themselves come with nilearn and SUITPy."""
    description = {"Identifier": SPACE, "Name": SPACE, "BIDSVersion": "1.11.1"}
    write_text(folder / _TEMPLATE / "template_description.json", json.dumps(description))


def _is_pruned(folder: Path) -> bool:
    """Whether a folder is as :func:`make_templateflow` makes it, and not the user's, which may be filled from afar."""
    try:
        return os.listdir(folder) == [_TEMPLATE]
    except OSError:
        return False


def check_writable(folder: Path, mend: str) -> None:
    """Make a folder and see whether files can be made in it.

    Raises
    ------
    UsageError
        It cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(str(folder), f"cannot be written to ({error.strerror})", mend) from error


def check_shared_memory() -> None:
    """See whether processes can share what tells them that it is their turn.

    Raises
    ------
    UsageError
        They cannot, as in a container without ``/dev/shm``.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        mend = "give the container one (--shm-size 64m), or bind it (--bind /dev/shm)"
        raise UsageError("/dev/shm", f"cannot be used ({error.strerror})", mend) from error


def usable_memory_gb() -> float:
    """Nine tenths of the memory that this machine, or its container, or the scheduler's job, has (GB)."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0.9 * min([total, *memory_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))]) / 1e9


def memory_limits(membership: Path, root: Path) -> Iterator[int]:
    """Limits (bytes) of the control groups that a process is in, and of those around them.

    Parameters
    ----------
    membership : Path
        Lines ``number:controllers:group``, as the system tells of a process; both versions of groups may be there.
    root : Path
        Where the groups are mounted.
    """
    lines = membership.read_text().splitlines() if membership.exists() else []
    for _, controllers, group in (line.split(":", 2) for line in lines):
        if controllers and "memory" not in controllers.split(","):
            continue
        # In a container, the group may be named as the machine outside names it, and be mounted at the root.
        for mount in (root / "memory",) if controllers else (root, root / "unified"):
            innermost = mount / group.lstrip("/")
            for folder in (innermost, *innermost.parents):
                if folder.is_relative_to(mount):
                    yield from _limits(folder)


def _limits(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
        path = folder / name
        text = path.read_text().strip() if path.exists() else ""
        if text.isdigit():  # and not "max"
            yield int(text)
