"""What the pages say of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RunSummary:
    """What is the same for all images of a run.

    Parameters
    ----------
    version : str
        Of cerebbids.
    command : str
        The command line.
    methods_md : str
        Methods text, in Markdown.
    started : datetime
        When the run began.
    seconds : float
        How long it has taken so far.
    """

    version: str
    command: str
    methods_md: str
    started: datetime
    seconds: float
