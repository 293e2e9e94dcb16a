"""Files as other tools write them: their documented layouts, with made-up volumes."""

from __future__ import annotations

from pathlib import Path

LOBULES = ("I-II", "III", "IV", "V", "VI", "Crus I", "Crus II", "VIIB", "VIIIA", "VIIIB", "IX", "X")
SIDES = ("right", "left")


def deepceres(path: Path) -> Path:
    """One row, cm3, among other columns: lobule k of the right has k cm3, of the left 0.1 less; the cavity 1400."""
    names, cells = ["Patient ID", "Sex", "Age"], ["job1", "Female", "34"]
    for k, lobule in enumerate(LOBULES, 1):
        whole = f"Lobules {lobule}" if lobule == "I-II" else lobule if "Crus" in lobule else f"Lobule {lobule}"
        for side in SIDES:
            names += [f"{whole} {side} volume cm3", f"{whole} {side} volume %"]
            cells += [f"{k - 0.1 * (side == 'left'):.6f}", "0.1"]
    return _write(path, ";".join([*names, "ICV total volume cm3"]) + "\n" + ";".join([*cells, "1400"]) + "\n")


def ceres(path: Path) -> Path:
    """One row, cm3, lobules of k cm3 on both sides, cavity of 1400."""
    names = [f"{lobule} {side} cm3" for lobule in LOBULES for side in SIDES] + ["ICV cm3"]
    cells = [str(k) for k in range(1, 13) for _ in SIDES] + ["1400"]
    return _write(path, ";".join(names) + "\n" + ";".join(cells) + "\n")


ACAPULCO = (
    "Background", "Corpus Medullare", "Left I-III", "Right I-III", "Left IV", "Rigt IV", "Left V", "Right V",
    "Vermis VI", "Left VI", "Right VI", "Vermis VII", "Left Crus I", "Left Crus II", "Left VIIB", "Right Crus I",
    "Right Crus II", "Right VIIB", "Vermis VIII", "Left VIIIA", "Left VIIIB", "Right VIIIA", "Right VIIIB",
    "Vermis IX", "Left IX", "Right IX", "Vermis X", "Left X", "Right X",
)  # fmt: skip


def acapulco(path: Path, column: str = "volume", factor: float = 1.0) -> Path:
    """One row a region: 1000, 1100, 1200, ... mm3 in this order."""
    rows = [f"{name},{(1000.0 + 100 * k) * factor}" for k, name in enumerate(ACAPULCO)]
    return _write(path, f"name,{column}\n" + "\n".join(rows) + "\n")


CEREBNET = {
    7: "Left-Cerebellum-White-Matter", 46: "Right-Cerebellum-White-Matter", 601: "Cbm_Left_I_IV",
    602: "Cbm_Right_I_IV", 603: "Cbm_Left_V", 604: "Cbm_Right_V", 605: "Cbm_Left_VI", 606: "Cbm_Vermis_VI",
    607: "Cbm_Right_VI", 608: "Cbm_Left_CrusI", 610: "Cbm_Right_CrusI", 611: "Cbm_Left_CrusII",
    613: "Cbm_Right_CrusII", 614: "Cbm_Left_VIIb", 616: "Cbm_Right_VIIb", 617: "Cbm_Left_VIIIa",
    619: "Cbm_Right_VIIIa", 620: "Cbm_Left_VIIIb", 622: "Cbm_Right_VIIIb", 623: "Cbm_Left_IX", 624: "Cbm_Vermis_IX",
    625: "Cbm_Right_IX", 626: "Cbm_Left_X", 627: "Cbm_Vermis_X", 628: "Cbm_Right_X", 630: "Cbm_Vermis_VII",
    631: "Cbm_Vermis_VIII",
}  # fmt: skip


def cerebnet(path: Path) -> Path:
    """FreeSurfer's statistics: 10 times the id in voxels, half a mm3 more in volume; a sum of others at the end."""
    lines = [
        "# Title Segmentation Statistics", "#", "# NTableCols 10",
        "# ColHeaders  Index SegId NVoxels Volume_mm3 StructName normMean normStdDev normMin normMax normRange",
    ]  # fmt: skip
    everything = {**CEREBNET, 632: "Cbm_Vermis"}
    for k, (label, name) in enumerate(everything.items(), 1):
        lines.append(f"{k:3d} {label:4d} {10 * label:8d} {10 * label + 0.5:10.3f}  {name:30s} 80. 9. 20. 110. 90.")
    return _write(path, "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
