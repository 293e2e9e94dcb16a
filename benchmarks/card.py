"""The tables of the model card, from what training and the other benchmarks have written.

Usage: python benchmarks/card.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from scipy.stats import wilcoxon

RESULTS = Path(__file__).with_name("results")


def _farthest_from_one(values: pd.Series) -> float:
    return values[(values - 1).abs().idxmax()]


MEASURES: dict[str, tuple[str, Callable[[pd.Series], float]]] = {
    "whole": ("whole cerebellum, Dice", pd.Series.min),
    "left": ("left without vermis", pd.Series.min),
    "right": ("right without vermis", pd.Series.min),
    "white": ("white matter", pd.Series.min),
    "vermis_71": ("lobules I-V inside the manual vermis", pd.Series.min),
    "vermis_72": ("VI, Crus, VIIB inside the manual vermis", pd.Series.min),
    "vermis_73": ("VIIIA-X inside the manual vermis", pd.Series.min),
    "hd95_mm": ("Hausdorff distance, 95 %, mm", pd.Series.max),
    "volume_ratio": ("volume, automatic / manual", _farthest_from_one),
}
"""Column -> what the card calls it, and which of its values is the worst."""
LIBRARIES = {"exemplars": "generated exemplars", "people": "real people"}
GROUPS = {
    "dice_71": "lobule groups inside the manual vermis, 71 (I-V), Dice",
    "dice_72": "72 (VI, Crus, VIIB)",
    "dice_73": "73 (VIIIA-X)",
}
VERMIS = {71: "I-V", 72: "VI-VII", 73: "VIII-X"}
ANTERIOR = {"I-II": (1, 14), "III": (2, 15), "IV": (3, 16)}
"""Lobules that the five brains' own labels split -> their channels, left and right."""
HEAD = ["| | mean | SD | worst | n |", "|---|---|---|---|---|"]


def _row(name: str, values: pd.Series, worst: float) -> str:
    return f"| {name} | {values.mean():.3f} | {values.std():.3f} | {worst:.3f} | {values.count()} |"


def agreement(labels: pd.DataFrame, cobralab: pd.DataFrame) -> str:
    """Markdown table of how the training labels agree with what they were not shown.

    Parameters
    ----------
    labels, cobralab : DataFrame
        The tables of ``cerebbids-train prepare``.
    """
    rows = [_row(name, labels[column], labels[column].min()) for column, name in GROUPS.items()]
    for name, channels in ANTERIOR.items():
        dice = cobralab["dice"][cobralab["channel"].isin(channels)]
        rows.append(_row(f"{name} of one brain against the vote of the others, Dice", dice, dice.min()))
    return "\n".join((*HEAD, *rows))


def accuracy(table: pd.DataFrame) -> str:
    """Markdown table of means, standard deviations and worst cases.

    Parameters
    ----------
    table : DataFrame
        ``crossvalidation.tsv``, one row a person.
    """
    rows = [_row(name, table[column], worst(table[column])) for column, (name, worst) in MEASURES.items()]
    return "\n".join((*HEAD, *rows))


def cascade_accuracy(table: pd.DataFrame) -> str:
    """Markdown tables of the app's answer, with the mirror image (one fold), and of the cascade and its networks alone.

    Parameters
    ----------
    table : DataFrame
        ``cascade.tsv``, one row a person and answer.
    """
    measures = {
        **MEASURES,
        **{f"own_vermis_{k}": (f"vermis {name}, Dice", pd.Series.min) for k, name in VERMIS.items()},
    }
    measures["lobules"] = ("lobules at 0.5 mm, against the factory's labels", pd.Series.min)
    whole = table[table["by"] == "nets"]
    rows = [_row(name, whole[column], worst(whole[column])) for column, (name, worst) in measures.items()]
    return "\n".join((*HEAD, *rows, "", *_answers(table)))


def _answers(table: pd.DataFrame) -> Iterator[str]:
    """Means over people of each answer, and their spread over folds; the app's once more on the folds of others."""
    columns = ("whole", "white", "vermis_72", "lobules")
    yield "| mean (SD over folds) | n | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 2) + "|"
    for name, of_answer in _comparable(table):
        folds = of_answer.groupby("fold")[list(columns)].mean()
        spread = {c: f" ({folds[c].std():.4f})" if len(folds) > 1 else "" for c in columns}
        cells = (f"{of_answer[c].mean():.4f}{spread[c]}" for c in columns)
        yield f"| {name} | {len(of_answer)} | " + " | ".join(cells) + " |"


def _comparable(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of each answer under its name; beside one of some folds alone, those of the app's answer in these."""
    for by, rows in table.groupby("by"):
        folds = sorted(set(rows["fold"]))
        if len(folds) == table["fold"].nunique():
            yield by, rows
        else:
            told = f", fold {', '.join(map(str, folds))}"
            yield by + told, rows
            yield "nets" + told, table[(table["by"] == "nets") & table["fold"].isin(folds)]


def beside_others(cascade: pd.DataFrame, fast: pd.DataFrame, atlas: pd.DataFrame) -> str:
    """Markdown table of the default method beside the other two, on the same people; Wilcoxon's test of the pairs.

    Parameters
    ----------
    cascade, fast, atlas : DataFrame
        ``cascade.tsv``, ``crossvalidation.tsv`` and ``atlas.tsv``.
    """
    nets = cascade[cascade["by"] == "nets"].set_index("id")
    others = {"--fast": fast.set_index("id"), "--method atlas": atlas[atlas["library"] == "exemplars"].set_index("id")}
    head = ("| mean | default |", *(f" `{name}` | default better in | p |" for name in others))
    lines = ["".join(head), "|---" * (2 + 3 * len(others)) + "|"]
    for column in [name for name in MEASURES if name != "volume_ratio"]:
        cells = [MEASURES[column][0], f"{nets[column].mean():.4f}"]
        for table in others.values():
            other = table.loc[nets.index, column] if column in table else None
            cells += ["", "", ""] if other is None else _compared(nets[column], other, -1 if column == "hd95_mm" else 1)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _compared(own: pd.Series, other: pd.Series, sign: int) -> list[str]:
    """Mean of others, number of people in whom one's own is better, p of Wilcoxon's signed-rank test."""
    gain = sign * (own - other)
    # Exact only without ties and zeros, whatever version of scipy would choose.
    method = "exact" if gain.abs().is_unique and gain.all() else "approx"
    return [f"{other.mean():.4f}", f"{(gain > 0).sum()} of {len(own)}", f"{wilcoxon(gain, method=method).pvalue:.2g}"]


def image_side(superres: pd.DataFrame, t2w: pd.DataFrame, icv: pd.DataFrame) -> str:
    """Markdown table of how good super-resolution, T2w synthesis and cavity are.

    Parameters
    ----------
    superres, t2w, icv : DataFrame
        The tables of ``imageside.py``.
    """
    by_method = superres.pivot(index="head", columns="method")
    rows = []
    for measure, name in (("psnr_db", "PSNR, dB"), ("ssim", "SSIM")):
        for method in ("trilinear", "cubic B-spline", "network"):
            values = by_method[measure, method]
            rows.append(_row(f"super-resolution, {name}, {method}", values, values.min()))
    gain = by_method["psnr_db", "network"] - by_method["psnr_db", "cubic B-spline"]
    rows.append(_row("network above cubic B-spline, dB", gain, gain.min()))
    for column, name in (("error_percent", "network"), ("error_percent_without_network", "piecewise mapping alone")):
        values = t2w[column].dropna()
        rows.append(_row(f"T2w of phantoms, error in % of grey matter, {name}", values, values.max()))
    rows.append(_row("T2w: fluid above grey above white matter", t2w["in_order"] * 1.0, t2w["in_order"].min() * 1.0))
    dice, volume = icv["dice"].dropna(), icv["cm3"].dropna()
    rows.append(_row("cavity of painted heads, Dice", dice, dice.min()))
    rows.append(_row("cavity of real heads, cm3 (worst: smallest)", volume, volume.min()))
    return "\n".join((*HEAD, *rows))


def atlases(table: pd.DataFrame) -> str:
    """Markdown table of what library and vote alone reach, with either library.

    Parameters
    ----------
    table : DataFrame
        ``atlas.tsv``, one row a person and library.
    """
    measures = {name: MEASURES[name] for name in ("whole", "white", "vermis_71", "vermis_72", "vermis_73")}
    measures["lobules"] = ("lobules, against the factory's labels", pd.Series.min)
    measures["volume_ratio"] = MEASURES["volume_ratio"]
    rows = []
    for library, kind in LIBRARIES.items():
        of_library = table[table["library"] == library]
        rows += [_row(f"{kind}: {name}", of_library[c], worst(of_library[c])) for c, (name, worst) in measures.items()]
    return "\n".join((*HEAD, *rows))


def registrations(table: pd.DataFrame) -> str:
    """Markdown table of how well and how fast one person is brought onto another.

    Parameters
    ----------
    table : DataFrame
        ``registration.tsv``, one row a pair and method.
    """
    rows = []
    for method, of_method in table.groupby("method", sort=False):
        for column, name in (("lobules", "lobules"), ("whole", "whole cerebellum")):
            rows.append(_row(f"{method}: {name}, Dice", of_method[column], of_method[column].min()))
        rows.append(_row(f"{method}: seconds", of_method["seconds"], of_method["seconds"].max()))
        folded = 100 * of_method["folded"]
        rows.append(_row(f"{method}: folded voxels, %", folded, folded.max()))
    return "\n".join((*HEAD, *rows))


def extended_set(table: pd.DataFrame) -> str:
    """Markdown table of how registrations fold between collections.

    Parameters
    ----------
    table : DataFrame
        ``shapes.tsv`` of ``cerebbids-train extend``, one row a target.
    """
    names = {"folded_with_steps": "network and steps: folded voxels, %", "folded": "as kept: folded voxels, %"}
    rows = [_row(name, 100 * table[column], 100 * table[column].max()) for column, name in names.items()]
    return "\n".join((*HEAD, *rows))


def read_result(name: str) -> pd.DataFrame:
    """Read a table of ``benchmarks/results``."""
    return pd.read_csv(RESULTS / f"{name}.tsv", sep="\t")


if __name__ == "__main__":
    made = [read_result(f"imageside_{part}") for part in ("superres", "t2w", "icv")]
    labels = agreement(read_result("labels"), read_result("cobralab"))
    accuracies = accuracy(read_result("crossvalidation")), atlases(read_result("atlas"))
    cascade = cascade_accuracy(read_result("cascade"))
    beside = beside_others(*(read_result(name) for name in ("cascade", "crossvalidation", "atlas")))
    pairs = registrations(read_result("registration")), extended_set(read_result("shapes"))
    print(labels, *accuracies, *pairs, image_side(*made), cascade, beside, sep="\n\n")
