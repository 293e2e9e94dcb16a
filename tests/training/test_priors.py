from pathlib import Path

import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.errors import UsageError
from cerebbids.inference.library import Library, write_library
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_1MM
from cerebbids.training import priors
from cerebbids.training.prepare import save_arrays
from cerebbids.training.priors import build_prior, build_priors, load_atlas, load_guess, priors_folder, without
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen, library_folder, run_folder

from .runs import untrained

RECIPES = {
    "deform": Recipe("deform", 2, "deform", {"widths": (2, 4), "passes": 1}),
    "lobules": Recipe("lobules", 2, sizes={"channels_in": 4, "classes": 27, "widths": (2, 4)}),
}
PEOPLE = ("1", "2", "3")


def prepared(work: Path, **seen: tuple[str, ...]) -> Path:
    """Runs and a library of one member a person for fold 0; of the network or library named, people are others."""
    for net, recipe in RECIPES.items():
        known = seen.get(net, PEOPLE)
        untrained(run_folder(work, net, "0"), recipe, Seen(tuple(f"OASIS-{person}" for person in known)))
    sources = seen.get("library", PEOPLE)
    members = [np.full(CEREBELLUM_1MM.shape, 10 * int(person), np.uint8) for person in sources]
    labels = [np.full(CEREBELLUM_1MM.shape, int(person), np.uint8) for person in sources]
    write_library(
        library_folder(work, "0"), members, labels, CEREBELLUM_1MM, load_scheme(DEEPCERES.scheme),
        sources=[f"OASIS-{person}" for person in sources], licence="CC0-1.0", made="blocks",
    )  # fmt: skip
    return work


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """People who may be seen."""
    monkeypatch.setattr(priors, "people_but", lambda *_: PEOPLE)


def test_a_case_s_own_members_do_not_vote():
    members = torch.arange(12.0).reshape(12, 1, 1, 1)  # three people, two exemplars each, and mirror images
    library = Library(members, members, 27, ("OASIS-1", "OASIS-2", "OASIS-3"), "licence", "hash")
    others = without(library, "OASIS-2")
    assert others.images.flatten().tolist() == [0, 1, 2, 3, 8, 9, 10, 11] == others.labels.flatten().tolist()
    assert others.sources == ("OASIS-1", "OASIS-3")
    assert torch.equal(without(library, "OASIS-CoBrALab-1_0").images, members)


def test_an_atlas_and_the_answer_at_1_mm_count_alike(tmp_path: Path):
    votes, quick = (np.full((27, 2, 2, 2), value, np.uint8) for value in (200, 250))
    save_arrays(priors_folder(tmp_path, "1") / "1000.npz", atlas=votes, quick=quick)
    assert np.array_equal(load_atlas(tmp_path, "1", "1000"), votes)
    assert (load_guess(tmp_path, "1", "1000") == 225).all()


def test_a_case_is_voted_without_itself_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepared(tmp_path)
    t1w = np.random.default_rng(0).random(CEREBELLUM_1MM.shape, np.float32)
    save_arrays(tmp_path / "people" / "2.npz", t1w=t1w, labels=np.zeros(t1w.shape, np.uint8))

    def voted(net: torch.nn.Module, voters: Library, crop: np.ndarray, _: object) -> torch.Tensor:
        assert type(net).__name__ == "DeformNet" and np.array_equal(crop, t1w)
        assert voters.sources == ("OASIS-1", "OASIS-3")
        members = [k % 13 for k in voters.labels[:, 0, 0, 0].tolist()]
        assert members == [1, 1, 3, 3]  # and mirror images
        return torch.eye(27)[1].reshape(27, 1, 1, 1).expand(27, *t1w.shape)

    def said(net: torch.nn.Module, crop: np.ndarray, _: object) -> torch.Tensor:
        assert type(net).__name__ == "UNet" and np.array_equal(crop, t1w)
        return torch.eye(27)[2].reshape(27, 1, 1, 1).expand(27, *t1w.shape)

    for name, fake in (("subject_atlas", voted), ("quick_answer", said)):
        monkeypatch.setattr(priors, name, fake)
    build_prior(tmp_path, "0", "2")
    with np.load(priors_folder(tmp_path, "0") / "2.npz") as arrays:
        assert {key: arrays[key].shape for key in arrays} == dict.fromkeys(("atlas", "quick"), (27, *priors.GRID.shape))
        middle = {key: arrays[key][:, 60, 40, 40].argmax() for key in arrays}
    assert middle == {"atlas": 1, "quick": 2}
    monkeypatch.setattr(priors, "trained_net", lambda _: pytest.fail("is there"))
    build_prior(tmp_path, "0", "2")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("what", "place"), [("deform", "runs/deform"), ("lobules", "runs/lobules"), ("library", "libraries")]
)
def test_nothing_is_asked_that_has_seen_somebody_of_the_fold(tmp_path: Path, what: str, place: str):
    prepared(tmp_path, **{what: (*PEOPLE, "9")})
    with pytest.raises(UsageError, match=f"{place}/fold-0: has seen OASIS-9"):
        build_priors(Path("kit"), tmp_path, "0", 1)
    assert not priors_folder(tmp_path, "0").exists()


@pytest.mark.usefixtures("three")
def test_a_network_that_is_not_trained_is_named_at_once(tmp_path: Path):
    prepared(tmp_path)
    (run_folder(tmp_path, "lobules", "0") / "checkpoint.safetensors").unlink()
    with pytest.raises(UsageError, match="lobules.* has not been begun"):
        build_priors(Path("kit"), tmp_path, "0", 1)


@pytest.mark.usefixtures("three")
def test_files_without_the_answer_at_1_mm_are_refused(tmp_path: Path):
    prepared(tmp_path)
    votes = np.zeros((27, 2, 2, 2), np.uint8)
    for person in PEOPLE:
        both = {} if person == "3" else {"quick": votes}
        save_arrays(priors_folder(tmp_path, "0") / f"{person}.npz", atlas=votes, **both)
    old = r"3\.npz: is of an older version; remove it"
    with pytest.raises(UsageError, match=old):
        build_priors(Path("kit"), tmp_path, "0", 1)
    with pytest.raises(UsageError, match=old):
        load_guess(tmp_path, "0", "3")
    save_arrays(priors_folder(tmp_path, "0") / "3.npz", atlas=votes, quick=votes)
    build_priors(Path("kit"), tmp_path, "0", 1)
