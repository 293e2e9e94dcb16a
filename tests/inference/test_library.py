from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.errors import ModelError
from cerebbids.inference.library import read_library
from cerebbids.inference.libraryfiles import LABELS, LIBRARY_NOTES
from cerebbids.systems.grid import CEREBELLUM_1MM

from .libraries import GRID, LEFT, RIGHT, cerebellum, write_blocks


def test_members_come_back_each_with_its_mirror_image(tmp_path: Path):
    library = read_library(write_blocks(tmp_path), GRID, "Lobules")
    assert library.images.shape == library.labels.shape == (6, *GRID.shape)
    assert library.sources == ("somebody-0", "somebody-1", "somebody-2") and library.classes == 27
    image, labels = cerebellum(1)
    plain, mirrored = library.labels[2].numpy(), library.labels[3].numpy()
    assert np.array_equal(plain, labels)
    swap = np.array(load_scheme("Lobules").mirror)
    assert np.array_equal(mirrored, swap[labels[::-1]])
    assert (mirrored == LEFT).sum() == (plain == RIGHT).sum()
    assert torch.equal(library.images[3], library.images[2].flip(0))
    assert library.images[2][torch.from_numpy(image == 180)].unique().numel() == 1


def test_files_are_images_of_the_working_space(tmp_path: Path):
    labels = nib.load(write_blocks(tmp_path) / LABELS)
    assert np.array_equal(labels.affine, GRID.affine) and labels.get_data_dtype() == np.uint8
    left = np.argwhere(np.asarray(labels.dataobj)[..., 0] == 5)  # left VI
    assert (nib.affines.apply_affine(labels.affine, left)[:, 0] < 0).all()


def test_another_grid_or_scheme_is_refused(tmp_path: Path):
    write_blocks(tmp_path)
    with pytest.raises(ModelError, match="images on another grid"):
        read_library(tmp_path, CEREBELLUM_1MM, "Lobules")
    text = (tmp_path / LIBRARY_NOTES).read_text().replace('"Lobules"', '"Tissue"')
    (tmp_path / LIBRARY_NOTES).write_text(text)
    with pytest.raises(ModelError, match='label scheme "Tissue", not Lobules'):
        read_library(tmp_path, GRID, "Lobules")


def test_a_changed_or_missing_file_is_named(tmp_path: Path):
    write_blocks(tmp_path)
    other = nib.Nifti1Image(np.zeros((*GRID.shape, 3), np.uint8), GRID.affine)
    nib.save(other, tmp_path / LABELS)
    with pytest.raises(ModelError, match="is damaged"):
        read_library(tmp_path, GRID, "Lobules")
    (tmp_path / LABELS).unlink()
    with pytest.raises(ModelError, match="no library that can be read"):
        read_library(tmp_path, GRID, "Lobules")
    with pytest.raises(ModelError, match="holds no library .* make one"):
        read_library(tmp_path / "nowhere", GRID, "Lobules")
