"""Results of which somebody has corrected a map by hand."""

from pathlib import Path

from cerebbids.bids.names import sidecar_path
from cerebbids.files import write_text
from tests.app import Run


def corrected(run: Run, label: str) -> dict[Path, bytes]:
    """Leave results of which a map was corrected by hand; give all that is there."""
    write_text(run.path(label, "mask"), "old")
    write_text(run.path(label, "dseg"), "corrected")
    write_text(sidecar_path(run.path(label, "dseg")), '{"CerebBIDS": {"corrected": true}}')
    return {run.path(label, key): run.path(label, key).read_bytes() for key in ("mask", "dseg")}


BY_HAND = "was corrected by hand, and a run would replace it"
