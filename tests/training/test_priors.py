import torch

from cerebbids.inference.library import Library
from cerebbids.training.priors import without


def test_a_case_s_own_members_do_not_vote():
    members = torch.arange(12.0).reshape(12, 1, 1, 1)  # three people, two exemplars each, and mirror images
    library = Library(members, members, 27, ("OASIS-1", "OASIS-2", "OASIS-3"), "licence", "hash")
    others = without(library, "OASIS-2")
    assert others.images.flatten().tolist() == [0, 1, 2, 3, 8, 9, 10, 11] == others.labels.flatten().tolist()
    assert others.sources == ("OASIS-1", "OASIS-3")
    assert torch.equal(without(library, "OASIS-CoBrALab-1_0").images, members)
