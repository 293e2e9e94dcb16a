"""Variants of the text's tables: what differs between them, how they are trained, tested and summed up."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import ablations
import heldout
import numpy as np
import pandas as pd
import pytest
import torch
import variantcases
import variantnets
from ablations import LABELS, MEANS, by_label, dice_of_labels, score, summary
from tables import write_table
from variantcases import VIEWS, Blinded, VariantExamples, hidden_channels
from variantnets import Blind
from variants import BAD_T2W, BOTH, DPN, ONCE, PHANTOMS, TABLES, UNET, How, Net, Setting, Variant

from cerebbids.training import loop
from cerebbids.training.cascade import Cases
from cerebbids.training.checkpoint import progress
from cerebbids.training.finepatches import Stored
from cerebbids.training.recipe import RECIPES
from cerebbids.training.run import CHECKPOINT

from .fakes import PAINTED, channels, held_out, prepared

DOCUMENT = Path(ablations.__file__).with_name("deepceres.md")


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    return prepared(tmp_path, monkeypatch)


def two_cases(stage: str) -> Cases:
    """The block as it is, and half as bright."""
    case, view = held_out(), VIEWS[stage]
    grey = torch.from_numpy(case.t1w).half()
    seen = torch.from_numpy(view.seen(case.labels, np.zeros(case.labels.shape, bool)))
    stored = Stored(grey, grey, seen, torch.from_numpy(view.shares(case.atlas)))
    return Cases((stored, replace(stored, t1w=grey / 2)), {}, ())


class Reads(torch.nn.Module):
    """Believes the atlas, each share of it a class."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = x[:, 2:4] if self.classes == VIEWS["sides"].classes else x[:, 2:]
        none = shares.new_zeros(len(x), self.classes - 1 - shares.shape[1], *x.shape[2:])
        return 20 * torch.cat([1 - shares.sum(1, keepdim=True), shares, none], 1)


@pytest.mark.parametrize("number", TABLES)
def test_what_is_compared_differs_in_one_thing(number: str):
    """Of those that a variant names; with the stages goes the midplane, as ``variants.py`` says."""
    variants = {variant.name: variant for variant in TABLES[number]}
    assert len(variants) == len(TABLES[number])
    for variant in (v for v in variants.values() if v.against):
        other = variants[variant.against]
        of_how = [getattr(variant.how, f.name) != getattr(other.how, f.name) for f in fields(How)]
        assert sum((*of_how, variant.architectures != other.architectures, variant.images != other.images)) == 1
        assert variant.how.cases == other.how.cases


def test_every_way_of_training_has_a_folder_of_its_own():
    ways = {variant.how for variants in TABLES.values() for variant in variants}
    assert len({how.name for how in ways}) == len(ways)


def test_parameters_are_counted_of_what_is_seen(setting: Setting):
    table = {variant.name: variant for variant in TABLES["2"]}
    wide = replace(setting, narrower=1)
    two = sum(variantnets.count_parameters(net, wide) for net in table["2 DPN"].nets())
    assert two == 696_177 + 2 * (32 * 27 + 1) + 4 * 32 * 27  # of the text's, the halves of the vermis, the midplane
    narrow = ablations.networks(table["ensemble"], setting)
    assert narrow["width"] == "dpn 4, unet 2-4-8-16" and narrow["networks"] == 4
    assert narrow["parameters"] < narrow["parameters_full_width"] / 30 and narrow["steps"] == 2
    assert narrow["parameters_full_width"] == ablations.networks(table["ensemble"], wide)["parameters"]


def test_recipes_are_the_package_s_but_for_what_is_changed(setting: Setting):
    plain, once, equal = (How(), How(stages=ONCE), How(loss="equal"))
    recipes = [variantnets.recipe_of(Net(how, how.stages[-1], "unet"), setting) for how in (plain, once, equal)]
    assert [recipe.steps for recipe in recipes] == [2, 4, 2]  # one network for all has the steps of both
    assert {recipe.cross_entropy_weight for recipe in recipes[:2]} == {RECIPES["lobules_unet"].cross_entropy_weight}
    assert recipes[2] == replace(recipes[0], cross_entropy_weight=1.0)
    assert [(r.sizes["channels_in"], r.sizes["classes"]) for r in recipes[:2]] == [(15, 14), (28, 27)]


def test_hidden_channels_are_zero_and_others_are_not():
    net = Net(How(hidden=("t2w", "atlas")), "sides", "dpn")
    assert hidden_channels(net) == (1, 2, 3) and hidden_channels(Net(How(), "sides", "dpn")) == ()
    pair = torch.rand(4, 2, 2, 2) + 1, torch.ones(1)
    seen, target = Blinded([pair], hidden_channels(net))[0]
    assert torch.equal(seen[0], pair[0][0]) and not seen[1:].any() and target is pair[1]
    assert pair[0].min() >= 1  # the example itself stays
    shown = Blind(torch.nn.Identity(), (1, 2, 3))(pair[0][None])
    assert torch.equal(shown[0], seen)


@pytest.mark.parametrize("how", [How(extended=False), How(PHANTOMS)])
def test_the_same_cases_are_drawn_without_what_is_switched_off(how: How):
    given, view = two_cases("sides"), VIEWS["sides"]
    drawn = []
    for way in (How(), how):
        examples = VariantExamples(given, view, RECIPES["sides_dpn"], way)
        drawn.append([examples._choose(np.random.default_rng(k)) for k in range(30)])
    assert [case is other for (case, *_), (other, *_) in zip(*drawn, strict=True)] == [True] * 30
    moved = [sum(displacement is not None for _, displacement, _ in rows) for rows in drawn]
    in_head = [sum(set_in for *_, set_in in rows) for rows in drawn]
    assert 0 < moved[0] < 30 and 0 < in_head[0] < 30
    assert moved[1] == (0 if not how.extended else moved[0])
    assert in_head[1] == (0 if how.cases == PHANTOMS else in_head[0])


def test_without_variation_patches_are_those_of_the_stored_images(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(variantcases, "SIDE", 32)
    how = How(varied=False, extended=False)
    examples = VariantExamples(two_cases("lobules"), VIEWS["lobules"], RECIPES["lobules_dpn"], how)
    for k in range(4):
        seen, labels = examples[k]
        there = labels[0] > 0
        assert seen.shape == (15, 32, 32, 32) and there.any()
        assert set(seen[0][there].unique().tolist()) in ({0.0}, {-1.25})  # grey matter, or half as bright
        assert (seen[0][~there] == -2.5).all()
        assert (seen[2:].argmax(0) + 1 == labels[0])[there].float().mean() > 0.9


def test_a_killed_training_goes_on_and_a_finished_one_is_left(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    net = Net(How(stages=("sides",), hidden=("atlas",)), "sides", "dpn")
    run, plain, examples = setting.run(net), loop.fit, []
    with monkeypatch.context() as patch:
        patch.setattr(loop, "fit", lambda *a, **k: (examples.append(a[1]), plain(*a, **{**k, "max_minutes": 0})))
        variantnets.train([net], setting)
    seen, _ = examples[0][0]
    assert not seen[2:4].any() and seen[:2].any() and seen[4].any()
    assert progress(run / CHECKPOINT).step == 1
    variantnets.train([net, net], setting)
    assert progress(run / CHECKPOINT).step == 2
    assert [row.split("\t")[0] for row in (run / "log.tsv").read_text().splitlines()] == ["step", "1", "2"]
    (blind,) = variantnets.load_nets(Variant("", net.how, DPN), setting)["sides"]
    assert torch.equal(blind(seen[None]), blind(torch.cat([seen[:2], torch.ones_like(seen[2:4]), seen[4:]])[None]))
    monkeypatch.setattr(variantnets, "load_cases", lambda *_: pytest.fail("is finished"))
    variantnets.train([net], setting)
    with pytest.raises(pytest.fail.Exception):
        variantnets.train([net], replace(setting, steps=3))


def test_nobody_is_tested_on_who_was_trained_on(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    assert heldout.names_of("people", setting) == ("1",) and heldout.names_of(PHANTOMS, setting) == PAINTED[1:]
    assert variantcases.seen_by(How(), setting).people == tuple(f"OASIS-{k}" for k in "2345")
    assert "CoBrALab-5" not in variantcases.seen_by(How(PHANTOMS), setting).atlas
    fine, coarse = (variantcases.load_cases(How(PHANTOMS, coarse=c), "sides", setting).people for c in (False, True))
    assert len(fine) == len(coarse) == 1 and not torch.equal(fine[0].t1w, coarse[0].t1w)
    assert np.allclose(coarse[0].t1w, heldout.seen_coarsely(fine[0].t1w.numpy()), atol=0.1)
    monkeypatch.setattr(variantcases, "people_but", lambda *_: tuple("12345"))
    with pytest.raises(SystemExit, match="OASIS-1"):
        variantcases.seen_by(How(), setting)
    for sources, people in (("OASIS-1", "OASIS-2"), ("OASIS-2", "OASIS-1")):
        monkeypatch.setattr(heldout, "read_notes", lambda _, p=people: (None, SimpleNamespace(people=(p,))))
        monkeypatch.setattr(heldout, "open_library", lambda *_, s=sources: SimpleNamespace(sources=(s,)))
        with pytest.raises(SystemExit, match="OASIS-1"):
            heldout.check_unseen(setting)


def test_networks_are_tested_on_the_images_of_their_row(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    shown = []
    for name, fake in (("load_nets", lambda *_: {"sides": ()}), ("fingerprint", lambda variant, _: variant.name)):
        monkeypatch.setattr(ablations, name, fake)
    monkeypatch.setattr(ablations, "labelled", lambda nets, case, device: (shown.append(case), case.labels)[1])
    for variant in (Variant("1 mm", How(PHANTOMS, coarse=True), DPN), Variant("bad", How(PHANTOMS), DPN, BAD_T2W)):
        (row,) = ablations.score_variant(variant, setting)
        assert row["case"] == PAINTED[1] and row["labels"] == row["whole"] == 1 and row["images"] == variant.images
    case = heldout.load(PAINTED[1], setting)
    assert np.array_equal(shown[0].t2w, heldout.seen_coarsely(case.t2w)) and np.array_equal(shown[1].t2w, case.t1w)
    assert np.array_equal(shown[0].t1w, heldout.seen_coarsely(case.t1w)) and np.array_equal(shown[1].t1w, case.t1w)


@pytest.mark.parametrize("stages", [("sides", "lobules"), ONCE])
def test_networks_that_believe_the_atlas_are_right_and_blind_ones_are_not(stages: tuple[str, ...]):
    case, cpu = held_out(), torch.device("cpu")
    nets = {stage: (Reads(VIEWS[stage].classes),) for stage in stages}
    row = score(nets, case, cpu)
    assert row["whole"] > 0.97 and min(row[label] for label in LABELS) > 0.8
    blind = {s: (Blind(net, hidden_channels(Net(How(hidden=("atlas",)), s, "dpn"))),) for s, (net,) in nets.items()}
    assert score(blind, case, cpu)["whole"] == 0


def test_dice_counts_what_is_missed_and_what_is_too_much():
    truth = channels()
    found = np.where(truth == 1, 2, truth)
    found[:10] = 26
    row = dice_of_labels(found, truth)
    assert row[LABELS[0]] == 0 and row[LABELS[1]] == pytest.approx(2 / 3) and row[LABELS[2]] == 1
    volume = (truth > 0).sum()
    assert row["whole"] == pytest.approx(2 * volume / (2 * volume + found[:10].size))


def rows(variant: str, dice: Callable[[int, int], float]) -> list[dict]:
    """Cases of a variant: Dice of case ``c`` and label ``k``."""
    found = []
    for c in range(4):
        row = {label: dice(c, k) for k, label in enumerate(LABELS)}
        means = {name: np.mean([row[label] for label in labels]) for name, labels in MEANS.items()}
        told = {"variant": variant, "images": "as they are", "case": f"case {c}", "whole": 0.9 + c / 100}
        found.append({**told, **means, **row, "seconds": 1.0 + c, "on": "cpu"})
    return found


def test_rows_are_compared_case_by_case(tmp_path: Path):
    variants = (
        Variant("plain", How(), UNET),
        Variant("better", How(), BOTH, against="plain"),
        Variant("same", How(), DPN, against="plain"),
    )
    plain = rows("plain", lambda c, k: 0.5 + c / 10 + k / 1000)
    better = rows("better", lambda c, k: 0.5 + c / 10 + k / 1000 + 0.01 * (1 + c) + k / 1e4)
    cases = pd.DataFrame([*plain, *better[::-1], *rows("same", lambda c, k: 0.5 + c / 10 + k / 1000)])
    table = summary(variants, cases).set_index("variant")
    assert table.loc["plain", ["n", "seconds"]].tolist() == [4, 2.5]
    assert table.loc["plain", "mean"] == pytest.approx(0.65 + 0.0125) and table.loc["plain", "worst"] == pytest.approx(
        0.5125
    )
    assert table.loc["plain", "sd"] == pytest.approx(0.1 * np.sqrt(5 / 3)) and table.loc[
        "plain", "whole"
    ] == pytest.approx(0.915)
    assert table.loc["better", "difference"] == pytest.approx(0.025 + 12.5 / 1e4)
    assert table.loc["better", "p_cases"] == 0.125 and table.loc["better", "pairs"] == 104
    assert 0 < table.loc["better", "p_pairs"] < 1e-15
    assert table.loc["same", ["difference", "p_cases", "p_pairs"]].tolist() == [0, 1, 1]
    write_table(table, tmp_path / "table.tsv", index=True)
    written = pd.read_csv(tmp_path / "table.tsv", sep="\t", index_col="variant", keep_default_na=False)
    assert written.loc["plain", "p_pairs"] == "n/a" and float(written.loc["better", "p_pairs"]) > 0
    assert by_label(variants, cases).loc[LABELS[0], "plain"] == "0.6500 (0.1291)"


def test_one_command_makes_a_table_and_asks_no_network_twice(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ablations, "check_unseen", lambda _: None)
    monkeypatch.setattr(ablations, "Setting", partial(Setting, narrower=8))
    out, asked = tmp_path / "out", ("--steps", "2", "--workers", "0", "--threads", "1", "--table")
    folders = [str(folder) for folder in (setting.kit, setting.work, out)]
    ablations.main([*folders, *asked, "7"])
    table = pd.read_csv(out / "table_7.tsv", sep="\t")
    assert table["variant"].tolist() == [variant.name for variant in TABLES["7"]]
    assert table["n"].tolist() == [1, 1, 1] and table["steps"].tolist() == [2, 2, 2]
    assert table["width"].tolist() == ["unet 2-4-8-16", "dpn 4", "dpn 4, unet 2-4-8-16"]
    assert len(pd.read_csv(out / "table_7_cases.tsv", sep="\t")) == 3
    assert len(pd.read_csv(out / "table_7_labels.tsv", sep="\t")) == 27
    monkeypatch.setattr(ablations, "load_nets", lambda *_: pytest.fail("is known"))
    ablations.main([*folders, *asked, "7"])
    assert pd.read_csv(out / "table_7.tsv", sep="\t").equals(table)


def test_the_document_has_a_row_of_every_table_and_figure():
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    wanted = (*(f"Table {k}" for k in range(1, 11)), *(f"Figure {k}" for k in range(1, 7)))
    assert all(sum(row.startswith(f"| {what} ") for row in rows) == 1 for what in wanted)
    for number in TABLES:
        assert any(f"--table {number}`" in row for row in rows), number
