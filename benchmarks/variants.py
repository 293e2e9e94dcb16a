"""What the tables of Morell-Ortega et al. 2025 compare, restated as plain data.

A variant is networks (:class:`How` they are trained, of which architectures) and the images that they are tested on. In
each comparison one of these differs: ``against`` names the variant that a row is compared with. With the stages a
second thing changes: the cascade's first is told the midplane, one network for all labels is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

CASCADE, ONCE = ("sides", "lobules"), ("once",)
"""Stages: sides, which are told the midplane, then lobules; or one network for all labels, which is not."""
DPN, UNET, BOTH = ("dpn",), ("unet",), ("dpn", "unet")
KINDS = {"DPN": DPN, "U-Net": UNET}
PEOPLE, PHANTOMS = "people", "phantoms"
UNCHANGED, BAD_T2W, SYNTHETIC = "as they are", "T1w for T2w", "from 1 mm T1w"
"""Test images: stored ones; T1w in the T2w's place; T1w super-resolved from 1 mm, and T2w synthesised from that."""
RANDOM = ("anisotropy", "bias field", "blur", "deformation", "gamma", "ghosting")
"""Test images that are changed at random, in the order of table 6."""


@dataclass(frozen=True)
class How:
    """How networks are trained.

    By default as the package's are, but for the width, the number of steps, and what they start from: the atlas alone
    instead of its mean with what the network at 1 mm says.

    Parameters
    ----------
    cases : str
        ``people``: labelled people, tested on those of a fold. ``phantoms``: painted
        cerebella alone, whose T2w is no function of the T1w, tested on those of a brain.
    stages : tuple of str
        ``CASCADE`` or ``ONCE``.
    hidden : tuple of str
        ``atlas`` or ``t2w``: inputs that are 0, in training and test.
    coarse : bool
        Whether images are those of voxels of 1 mm, interpolated, in training and test.
    extended : bool
        Whether half of the examples have another's shape (section 2.4), or nobody's.
    varied : bool
        Whether examples are turned, bent, set into heads and changed as scanners do; mirrored they are anyway.
    loss : str
        ``plain``: Dice and five times the cross-entropy. ``log``: the logarithm of that. ``equal``: the logarithm, and
        the cross-entropy once, as in equation 1.
    """

    cases: str = PEOPLE
    stages: tuple[str, ...] = CASCADE
    hidden: tuple[str, ...] = ()
    coarse: bool = False
    extended: bool = True
    varied: bool = True
    loss: str = "plain"

    @property
    def name(self) -> str:
        """Name of a folder.

        Examples
        --------
        >>> How().name, How(PHANTOMS, hidden=("t2w",), coarse=True).name, How(stages=ONCE, loss="log").name
        ('people', 'phantoms_no-t2w_1mm', 'people_once_log')
        """
        marks = {
            "once": self.stages == ONCE,
            **{f"no-{what}": True for what in self.hidden},
            "1mm": self.coarse,
            "not-extended": not self.extended,
            "not-varied": not self.varied,
            self.loss: self.loss != "plain",
        }
        return "_".join([self.cases, *(mark for mark, there in marks.items() if there)])


@dataclass(frozen=True)
class Net:
    """One network to train: a stage, by one architecture."""

    how: How
    stage: str
    architecture: str


@dataclass(frozen=True)
class Variant:
    """A row of a table.

    Parameters
    ----------
    name : str
    how : How
    architectures : tuple of str
        Of each stage one network each; their answers are averaged.
    images : str
        What is done to the test images.
    against : str
        Name of the row that this one is compared with; empty where there is none.
    """

    name: str
    how: How
    architectures: tuple[str, ...]
    images: str = UNCHANGED
    against: str = ""

    def nets(self) -> Iterator[Net]:
        """Networks that it takes."""
        for stage in self.how.stages:
            yield from (Net(self.how, stage, architecture) for architecture in self.architectures)


@dataclass(frozen=True)
class Setting:
    """What all variants share.

    Parameters
    ----------
    kit, work : Path
    fold : str
        Whose people are tested on, and have not been seen by anything.
    brain : str
        CoBrALab brain whose painted cases are kept for testing where there is nothing else.
    steps : int
        Of each network of a cascade; one network for all labels takes those of both.
    narrower : int
        By what the widths of the package's networks are divided.
    workers : int
        Processes that prepare examples.
    device : torch.device
    """

    kit: Path
    work: Path
    fold: str
    brain: str
    steps: int = 150
    narrower: int = 2
    workers: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def folder(self) -> Path:
        """Folder of everything that is kept between calls."""
        return self.work / "ablations" / f"fold-{self.fold}_{self.brain}"

    def run(self, net: Net) -> Path:
        """Folder of the run of a network."""
        return self.folder / f"{self.steps}-steps" / net.how.name / f"{net.stage}_{net.architecture}"


WITH, WITHOUT = How(), How(hidden=("atlas",))
OF_PHANTOMS = How(PHANTOMS)


def _atlas_or_none() -> Iterator[Variant]:
    for kind, nets in KINDS.items():
        yield Variant(f"2 {kind} without atlas", WITHOUT, nets)
        yield Variant(f"2 {kind} with atlas", WITH, nets, against=f"2 {kind} without atlas")


def _modalities() -> Iterator[Variant]:
    """Rows of table 4; what changes from a row to the one it is compared with is the resolution, or the T2w."""
    t1w = replace(OF_PHANTOMS, hidden=("t2w",))
    for kind, nets in KINDS.items():
        yield Variant(f"SR, T1, {kind}", replace(t1w, coarse=True), nets, against=f"HR, T1, {kind}")
        yield Variant(f"SR, T1 + T2, {kind}", replace(OF_PHANTOMS, coarse=True), nets, against=f"HR, T1 + T2, {kind}")
        yield Variant(f"HR, T1, {kind}", t1w, nets, against=f"HR, T1 + T2, {kind}")
        yield Variant(f"HR, T1 + T2, {kind}", OF_PHANTOMS, nets)


def _bad_t2w() -> Iterator[Variant]:
    for atlas, how in {"with": OF_PHANTOMS, "without": replace(OF_PHANTOMS, hidden=("atlas",))}.items():
        for kind, nets in KINDS.items():
            known = f"{kind} {atlas} atlas"
            yield Variant(f"{known}, original T2", how, nets)
            yield Variant(f"{known}, bad T2", how, nets, BAD_T2W, against=f"{known}, original T2")


def _random_images() -> Iterator[Variant]:
    for atlas, how in {"with": WITH, "without": WITHOUT}.items():
        for kind, nets in KINDS.items():
            known = f"2 {kind} {atlas} atlas"
            yield Variant(f"{known}, unchanged", how, nets)
            for images in RANDOM:
                yield Variant(f"{known}, {images}", how, nets, images, against=f"{known}, unchanged")


def _choices() -> Iterator[Variant]:
    base = Variant("cascade", WITH, UNET)
    yield base
    changed = {
        "one network of 27 classes": replace(WITH, stages=ONCE),
        "logarithm of the loss": replace(WITH, loss="log"),
        "cross-entropy once, as in equation 1": replace(WITH, loss="equal"),
        "no augmentation": replace(WITH, varied=False),
    }
    for name, how in changed.items():
        yield Variant(name, how, UNET, against="logarithm of the loss" if how.loss == "equal" else base.name)


TABLES: dict[str, tuple[Variant, ...]] = {
    "2": (
        Variant("2 DPN", WITHOUT, DPN),
        Variant("2 U-Net", WITHOUT, UNET, against="2 DPN"),
        Variant("ensemble", WITHOUT, BOTH, against="2 U-Net"),
    ),
    "3": tuple(_atlas_or_none()),
    "4": tuple(_modalities()),
    "5": tuple(_bad_t2w()),
    "6": tuple(_random_images()),
    "7": (
        Variant("2 U-Net with atlas", WITH, UNET, against="ensemble"),
        Variant("2 DPN with atlas", WITH, DPN, against="ensemble"),
        Variant("ensemble", WITH, BOTH),
    ),
    "8": (
        Variant("ensemble without extended set", replace(WITH, extended=False), BOTH),
        Variant("ensemble with extended set", WITH, BOTH, against="ensemble without extended set"),
    ),
    "10": (
        Variant("ensemble, original multimodal HR", OF_PHANTOMS, BOTH),
        Variant("ensemble, synthetic multimodal HR", OF_PHANTOMS, BOTH, SYNTHETIC, "ensemble, original multimodal HR"),
    ),
    "choices": tuple(_choices()),
}
"""Number in the text -> rows; ``choices`` are those that the text makes without a table."""
