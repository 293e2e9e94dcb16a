from pathlib import Path

import pytest
import torch

from cerebbids.errors import UsageError
from cerebbids.training import loop
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import CHECKPOINT, Seen, read_notes
from cerebbids.training.trained import keep_result, trained_net

from .runs import untrained

RECIPE = Recipe("deform", 4, "deform", {"widths": (8, 16), "passes": 2})
SEEN = Seen(("OASIS-1",), ("head",))


def test_what_is_kept_is_the_same_network_and_much_smaller(tmp_path: Path):
    torch.manual_seed(1)
    untrained(tmp_path / "run", RECIPE, SEEN)
    keep_result(tmp_path / "run", tmp_path / "kept")
    pair = torch.rand(1, 2, 16, 16, 16)
    with torch.inference_mode():
        before, after = (trained_net(tmp_path / name)(pair) for name in ("run", "kept"))
    assert torch.allclose(before, after, atol=1e-3) and not torch.equal(before, torch.zeros_like(before))
    assert read_notes(tmp_path / "kept") == (RECIPE, SEEN)
    sizes = [(tmp_path / name / CHECKPOINT).stat().st_size for name in ("run", "kept")]
    assert sizes[1] < sizes[0] / 3


def test_an_unfinished_run_is_not_kept(tmp_path: Path):
    untrained(tmp_path / "run", RECIPE, SEEN, step=3)
    with pytest.raises(UsageError, match="3 of 4 steps"):
        keep_result(tmp_path / "run", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_kept_run_is_finished_for_who_goes_on_with_it(tmp_path: Path):
    untrained(tmp_path / "run", RECIPE, SEEN)
    keep_result(tmp_path / "run", tmp_path / "kept")
    before = (tmp_path / "kept" / CHECKPOINT).read_bytes()
    assert loop.fit(
        torch.nn.Identity(), [], lambda *_: None, RECIPE, SEEN, tmp_path / "kept",
        device=torch.device("cpu"), workers=0, max_minutes=1, resume=True,
    )  # fmt: skip
    assert (tmp_path / "kept" / CHECKPOINT).read_bytes() == before
