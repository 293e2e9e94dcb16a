"""A file that names a nipype plugin, as ``--use-plugin`` takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cerebbids.errors import UsageError

LOCAL = "MultiProc"
SCHEDULERS = ("SLURM", "SGE", "PBS", "LSF")
"""Plugins that hand nodes to a cluster one by one and tell what became of each; those of whole graphs do not."""
_MEND = 'write "plugin: SLURM" and, below it, "plugin_args: {sbatch_args: ...}"'


@dataclass(frozen=True)
class PluginChoice:
    """What runs the nodes.

    Parameters
    ----------
    name : str
        ``MultiProc``, on this machine, or one of ``SCHEDULERS``.
    args : mapping
        Nipype's ``plugin_args``.
    """

    name: str = LOCAL
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether nodes run on this machine."""
        return self.name == LOCAL


def read_plugin(path: Path | None, work_dir: Path) -> PluginChoice:
    """Read the choice of a plugin.

    Parameters
    ----------
    path : Path or None
        YAML file with ``plugin`` and ``plugin_args``; none for this machine.
    work_dir : Path
        Folder of intermediate files: nipype hands its path to a shell, which calls the scheduler.

    Raises
    ------
    UsageError
        It is not such a file, or the work folder will not do.
    """
    if path is None:
        return PluginChoice()
    import yaml

    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(str(path), f"cannot be read as YAML ({' '.join(str(error).split())})", _MEND) from error
    if not isinstance(told, dict) or not isinstance(told.get("plugin_args", {}), dict):
        raise UsageError(str(path), "does not name a plugin and its plugin_args", _MEND)
    choice = PluginChoice(told.get("plugin"), told.get("plugin_args", {}))
    if choice.name not in (LOCAL, *SCHEDULERS):
        known = ", ".join((LOCAL, *SCHEDULERS))
        raise UsageError(str(path), f"names the plugin {choice.name}, which is not supported", f"choose of {known}")
    if not choice.is_local and not re.fullmatch(r"[\w./+-]+", str(work_dir)):
        reason = "has a space or a special character in its path, which the scheduler's command would not take"
        raise UsageError(str(work_dir), reason, "choose another with -w")
    return choice
