import nibabel as nib
import numpy as np
import pytest

from cerebbids.cli.convert import main
from cerebbids.data.labels import load_scheme
from cerebbids.interchange.mapping import read_mapping
from tests.interchange import foreign_files

SHAPE = (64, 64, 64)


def save(path, values, dtype=np.int16):
    voxels = np.zeros(SHAPE, dtype)
    voxels.ravel()[: len(values)] = values
    nib.save(nib.Nifti1Image(voxels, np.diag([-1.0, 1, 1, 1])), path)
    return path


def row(path, count):
    image = nib.load(path)
    assert image.shape == SHAPE and np.array_equal(image.affine, np.diag([-1.0, 1, 1, 1]))
    return np.asarray(image.dataobj).ravel()[:count].tolist()


@pytest.mark.parametrize("tool", ["maget", "ants"])
def test_same_numbers_there_and_back(tmp_path, capsys, tool):
    numbers = [label.index for label in read_mapping(tool)]
    source = save(tmp_path / "in.nii.gz", numbers)
    ours, again = tmp_path / "sub-01_seg-Lobules_dseg.nii.gz", tmp_path / "again.nii.gz"
    assert main(["--from", tool, str(source), str(ours)]) == main(["--to", tool, str(ours), str(again)]) == 0
    assert row(ours, len(numbers)) == row(again, len(numbers)) == numbers
    assert capsys.readouterr().err == ""


def test_white_matter_that_a_tool_lacks_is_told(tmp_path, capsys):
    ours = save(tmp_path / "sub-01_seg-Lobules_dseg.nii.gz", [1, 13, 13, 113])
    assert main(["--to", "ants", str(ours), str(tmp_path / "out.nii.gz")]) == 0
    assert row(tmp_path / "out.nii.gz", 4) == [1, 0, 0, 0]
    assert "13 (2 voxels), 113 (1 voxels)" in capsys.readouterr().err


def test_cerebnet_to_vermis_and_back(tmp_path, capsys):
    numbers = list(foreign_files.CEREBNET)
    source = save(tmp_path / "in.nii.gz", numbers)
    ours, again = tmp_path / "sub-01_seg-LobulesVermis_dseg.nii.gz", tmp_path / "again.nii.gz"
    assert main(["--from", "cerebnet", str(source), str(ours)]) == 0
    found = dict(zip(numbers, row(ours, len(numbers)), strict=True))
    assert (found[7], found[46], found[605], found[606], found[630]) == (13, 113, 5, 72, 72)
    assert found[631] == found[624] == found[627] == 73
    assert [found[label] for label in (601, 602, 603, 604)] == [0, 0, 0, 0]
    assert "601 (1 voxels), 602" in capsys.readouterr().err
    assert main(["--to", "cerebnet", str(ours), str(again)]) == 0
    back = dict(zip(numbers, row(again, len(numbers)), strict=True))
    vermis = (606, 630, 631, 624, 627)
    kept = [label for label in numbers if label not in (*vermis, 601, 602, 603, 604)]
    assert [back[label] for label in kept] == kept and not any(back[label] for label in vermis)


@pytest.mark.parametrize(("arguments", "numbers", "partly"), [
    (["--from", "acapulco", "Lobules"], [63, 53, 60], "5"),  # VI without its vermis, V with
    (["--to", "acapulco", "LobulesVermis"], [1, 2, 5], "33"),  # I-III without its vermis, VI is the hemisphere's
    (["--to", "acapulco", "Lobules"], [1, 2, 3], ""), (["--from", "cerebnet", "LobulesVermis"], [605, 606, 630], ""),
])  # fmt: skip
def test_labels_that_lack_a_part_are_told(tmp_path, capsys, arguments, numbers, partly):
    way, tool, scheme = arguments
    files = [tmp_path / "theirs.nii.gz", tmp_path / f"sub-01_seg-{scheme}_dseg.nii.gz"]
    source, target = files if way == "--from" else files[::-1]
    save(source, numbers)
    assert main([way, tool, str(source), str(target)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "lack a part" in line]
    assert [line.rsplit(": ", 1)[1] for line in told] == ([partly] if partly else [])


def test_lobules_into_larger_labels(tmp_path):
    labels = [label.index for label in load_scheme("Lobules").labels]
    ours = save(tmp_path / "sub-01_seg-Lobules_dseg.nii.gz", labels, np.uint8)
    assert main(["--to", "acapulco", str(ours), str(tmp_path / "out.nii.gz")]) == 0
    found = dict(zip(labels, row(tmp_path / "out.nii.gz", len(labels)), strict=True))
    assert (found[1], found[2], found[3], found[103]) == (33, 33, 43, 46)
    assert found[13] == found[113] == 12 and found[5] == 0  # VI holds half of the vermis


@pytest.mark.parametrize(("values", "tool", "reason"), [
    ([999], "maget", "has no label of maget"),
    ([1], "deepceres", "has no label maps"),
])  # fmt: skip
def test_nothing_to_convert(tmp_path, capsys, values, tool, reason):
    source, out = save(tmp_path / "in.nii.gz", values), tmp_path / "out.nii.gz"
    assert main(["--from", tool, str(source), str(out)]) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1 and not out.exists()


def test_broken_values_become_background(tmp_path, capsys):
    source = save(tmp_path / "in.nii.gz", [1.0, 1.5, np.nan, 113.0], np.float32)
    assert main(["--from", "maget", str(source), str(tmp_path / "out.nii.gz")]) == 0
    assert row(tmp_path / "out.nii.gz", 4) == [1, 0, 0, 113]
    assert "1.5 (1 voxels)" in capsys.readouterr().err
