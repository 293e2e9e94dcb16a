"""The order of steps, who is chosen and what is learnt from them, with stand-ins for the networks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cerebbids.errors import UsageError
from cerebbids.training.infants import Infant
from cerebbids.training.run import Seen
from cerebbids.training.transfer import ANSWERS, RANKING, Cohort, transfer

SHAPE = (32, 32, 32)


class Tissue(torch.nn.Module):
    """Says grey matter wherever the image is not 0; the more sure the brighter it is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(8.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nothing = torch.zeros_like(x)
        return torch.cat((torch.where(x > 0, -9.0, 9.0), nothing, self.scale * x, nothing), 1)


class Judge(torch.nn.Module):
    """Trusts an answer as far as the network was sure of it."""

    def __init__(self) -> None:
        super().__init__()
        self.none = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sure = x[:, 1:].amax(1, keepdim=True).clamp(1e-3, 1 - 1e-3)
        return torch.cat((torch.full_like(sure, -9.0), (1 - sure).log(), sure.log()), 1) + self.none


def infant(name: str, brightness: float, *, labelled: bool = False) -> Infant:
    image = np.zeros((1, *SHAPE), np.float32)
    image[:, 4:28, 4:28, 4:28] = brightness
    return Infant(name, name, image, np.where(image[0] > 0, 2, 0).astype(np.uint8) if labelled else None)


@pytest.fixture
def trained(tmp_path: Path):
    """All that was trained: folder, kind, on whom, who was seen with them."""
    return []


def carry(work: Path, trained: list, **more) -> dict:
    def train(folder: Path, kind: str, infants: tuple[Infant, ...], seen: Seen) -> torch.nn.Module:
        trained.append((folder.relative_to(work).as_posix(), kind, infants, seen))
        return (Tissue() if kind == "tissue" else Judge()).eval()

    source = Cohort("24m", (infant("s1", 1, labelled=True), infant("s2", 1, labelled=True)))
    targets = [
        Cohort("18m", (infant("a", 0.2), infant("b", 0.9), infant("c", 0.6))),
        Cohort("12m", (infant("d", 0.5), infant("e", 0.7))),
    ]
    return transfer(source, targets, work, train, k=2, **more)


def test_each_cohort_is_taught_by_the_one_before(tmp_path: Path, trained: list):
    nets = carry(tmp_path, trained)
    assert [step for step, *_ in trained] == [
        "24m/tissue", "24m/confidence", "18m/tissue", "18m/confidence", "12m/tissue",
    ]  # fmt: skip
    assert [kind for _, kind, *_ in trained] == ["tissue", "confidence", "tissue", "confidence", "tissue"]
    assert list(nets) == ["24m", "18m", "12m"]
    assert {each.id for each in trained[3][2]} == {each.id for each in trained[2][2]}


def test_the_most_trusted_are_learnt_from(tmp_path: Path, trained: list):
    carry(tmp_path, trained)
    assert [each.id for each in trained[2][2]] == ["b", "c"]
    table = pd.read_csv(tmp_path / "18m" / RANKING, sep="\t")
    assert table["id"].tolist() == ["b", "c", "a"] and table["trust"].is_monotonic_decreasing


def test_their_answers_are_the_labels_and_confidence_the_weights(tmp_path: Path, trained: list):
    carry(tmp_path, trained)
    for each in trained[2][2]:
        inside = each.images[0] > 0
        assert np.array_equal(each.labels, np.where(inside, 2, 0))
        assert each.weights.shape == SHAPE and 0 < each.weights[inside].min() <= each.weights[inside].max() < 1


def test_without_weights_all_voxels_count_the_same(tmp_path: Path, trained: list):
    carry(tmp_path, trained, weighted=False)
    assert all(each.weights is None for each in trained[2][2])
    assert [each.id for each in trained[2][2]] == ["b", "c"]


def test_labels_of_targets_are_not_looked_at(tmp_path: Path, trained: list):
    carry(tmp_path, trained)
    plain = [each.labels for each in trained[2][2]]
    trained.clear()
    wrong = np.full(SHAPE, 3, np.uint8)

    def train(folder: Path, kind: str, infants: tuple[Infant, ...], seen: Seen) -> torch.nn.Module:
        trained.append((folder, kind, infants))
        return (Tissue() if kind == "tissue" else Judge()).eval()

    source = Cohort("24m", (infant("s1", 1, labelled=True),))
    target = tuple(Infant(name, name, infant(name, told).images, wrong) for name, told in (("b", 0.9), ("c", 0.6)))
    transfer(source, [Cohort("18m", target)], tmp_path / "labelled", train, k=2)
    assert all(np.array_equal(a, b.labels) for a, b in zip(plain, trained[2][2], strict=True))


def test_who_made_the_labels_is_known_of_every_network(tmp_path: Path, trained: list):
    carry(tmp_path, trained)
    assert [seen for *_, seen in trained] == [
        Seen(("s1", "s2")), Seen(("s1", "s2")),
        Seen(("b", "c"), (), ("s1", "s2")), Seen(("b", "c"), (), ("s1", "s2")),
        Seen(("d", "e"), (), ("b", "c", "s1", "s2")),
    ]  # fmt: skip


def test_whoever_goes_on_learns_from_the_same_answers(tmp_path: Path, trained: list, monkeypatch: pytest.MonkeyPatch):
    carry(tmp_path, trained)
    first = [each for _, _, infants, _ in trained[2:] for each in infants]
    trained.clear()
    assert sorted(path.stem for path in (tmp_path / "18m" / ANSWERS).iterdir()) == ["a", "b", "c"]
    monkeypatch.setattr("cerebbids.training.transfer.judge_infant", None)
    carry(tmp_path, trained)
    again = [each for _, _, infants, _ in trained[2:] for each in infants]
    assert all(np.array_equal(a.labels, b.labels) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a.weights, b.weights) for a, b in zip(first, again, strict=True))


def test_a_folder_is_not_gone_on_with_by_other_rules(tmp_path: Path, trained: list):
    carry(tmp_path, trained)
    with pytest.raises(UsageError, match="other images, labels, --k or --unweighted"):
        carry(tmp_path, trained, weighted=False)


def test_nobody_is_learnt_from_without_a_label(tmp_path: Path):
    def train(folder: Path, kind: str, infants: tuple[Infant, ...], seen: Seen) -> torch.nn.Module:
        return (Tissue() if kind == "tissue" else Judge()).eval()

    targets = [Cohort("18m", (infant("dark", 0),))]
    with pytest.raises(UsageError, match="no image got a label"):
        transfer(Cohort("24m", (infant("s", 1, labelled=True),)), targets, tmp_path, train)
