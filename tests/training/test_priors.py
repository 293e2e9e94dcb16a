from pathlib import Path

import numpy as np
import torch

from cerebbids.inference.library import Library
from cerebbids.training.prepare import save_arrays
from cerebbids.training.priors import load_atlas, load_guess, priors_folder, without


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
