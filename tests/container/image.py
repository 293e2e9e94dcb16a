"""The built image, run by Docker or by podman, which takes the same command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STRANGER = "12345:12345"
"""A user whom no image and no machine knows."""


@dataclass(frozen=True)
class Image:
    """An image, and the program that runs it.

    Parameters
    ----------
    program : str
        ``docker`` or ``podman``.
    name : str
    """

    program: str
    name: str

    def run(
        self, *arguments: str | Path, options: Sequence[str] = (), inside: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the image's program, or another that is inside, on a read-only root without network as a stranger.

        What both streams were given is in ``stdout``.
        """
        shut = ["--read-only", "--network", "none", "--user", STRANGER]
        if self.program == "podman":
            shut.append("--read-only-tmpfs=false")  # as Docker: /tmp is read-only, too
        entry = ("--entrypoint", inside) if inside else ()
        command = [self.program, "run", "-i", "--rm", *shut, *options, *entry, self.name, *map(str, arguments)]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def told(self) -> dict:
        """What the image says of itself: its labels, environment, entry point."""
        answer = subprocess.run(
            [self.program, "image", "inspect", self.name], capture_output=True, text=True, check=True
        )
        (described,) = json.loads(answer.stdout)
        return described


def built_image() -> Image | None:
    """The image named by ``CEREBBIDS_IMAGE`` (``cerebbids``, unless set), where something can run it."""
    name = os.environ.get("CEREBBIDS_IMAGE", "cerebbids")
    for program in ("docker", "podman"):
        if shutil.which(program):
            asked = subprocess.run([program, "image", "inspect", name], capture_output=True, check=False)
            if asked.returncode == 0:
                return Image(program, name)
    return None
