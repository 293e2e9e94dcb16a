"""Tables, quality, figures and sidecars of one image, made again from label maps that somebody may have corrected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.bids.names import CARVED, COMPARTMENTS, DERIVATIVES, LABEL_MAPS, OF_LABELS, derivative_path, sidecar_path
from cerebbids.bids.sidecars import OF_OLDER, read_sidecar, write_provenance
from cerebbids.cli.corrections import maps_without_hash
from cerebbids.data.labels import load_scheme
from cerebbids.errors import BadImage
from cerebbids.files import as_json, write_text
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.labelmaps import check_grid, is_changed, is_plain, labels_sha256, read_labels, save_labels
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.imaging.relabel import relabel
from cerebbids.imaging.verdict import Verdict, judge
from cerebbids.imaging.vermis import vermis_again
from cerebbids.imaging.volumetry import lobule_volumes, write_volumes
from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.reports.figures import (
    carved_mosaic,
    flat_figure,
    segmentation_mosaic,
    snapshots,
    surface_figure,
    volumes_figure,
)

CORRECTABLE = {"dseg": "t1w", "carved": "t1w", "carved_fine": "superres", "vermis": "t1w"}
"""Label maps that are read, and the images on whose grids they are."""

IN_TEMPLATE = ("dseg_mni", "carved_mni")
"""Label maps that nothing is counted in, so that a correction would go astray."""

_MADE_FROM = {
    "dseg_mni": ("dseg",),
    "mask": ("dseg",),
    "vermis": ("dseg",),
    "morph": ("dseg",),
    "carved_morph": ("carved", "carved_fine"),
    "vermis_morph": ("vermis", "dseg"),
}
"""What a correction changes besides the map itself."""

_NEEDED = ("confidence", "tissues")
"""What the sidecar of the labels has to tell of the networks."""

_AGAIN = "run cerebbids again on this image"


@dataclass(frozen=True)
class _Map:
    """A label map that was read.

    Parameters
    ----------
    image : Nifti1Image
        uint8, on the grid of the image that it is of.
    changed : bool
        Whether somebody changed it since its hash was noted; not where none was.
    corrected : bool
        Whether somebody ever did.
    """

    image: nib.Nifti1Image
    changed: bool
    corrected: bool

    @property
    def labels(self) -> np.ndarray:
        return np.asarray(self.image.dataobj)


@dataclass(frozen=True)
class _Scan:
    """What is read of one image: paths of derivatives, sidecars and label maps by their keys, and other images."""

    paths: Mapping[str, Path]
    sidecars: Mapping[str, dict[str, Any]]
    maps: Mapping[str, _Map]
    t1w: nib.Nifti1Image
    dseg_mni: nib.Nifti1Image
    icv: nib.Nifti1Image | None


@dataclass(frozen=True)
class Recounted:
    """Names of label maps of an image that was counted again.

    Parameters
    ----------
    changed : tuple of str
        Those that somebody has changed since the last count.
    unknown : tuple of str
        Those of which nobody can tell that, because no hash was noted; they count as unchanged, and get none.
    """

    changed: tuple[str, ...]
    unknown: tuple[str, ...]


def recount(output_dir: Path, name: str) -> Recounted:
    """Make again what comes from the label maps of an image.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    name : str
        What the names of the image's derivatives start with.

    Returns
    -------
    Recounted

    Raises
    ------
    BadImage
        A file is missing, damaged, or not what it should be, or a map was changed where no correction counts, or would
        be replaced though it may have been corrected; then nothing was written.
    """
    scan = _read(output_dir, name)
    unknown = tuple(path.name for path in maps_without_hash(output_dir, Path(f"{name}_T1w.nii.gz")))
    remade = dict(_remade(scan))
    images = {key: each.image for key, each in scan.maps.items()} | {"dseg_mni": scan.dseg_mni} | remade
    verdict = _judge(scan, images)
    quality = as_json(verdict.quality)
    # Whatever ends this in the middle, the older hash beside seg-Lobules stays, and all is made again.
    _store(scan)
    _write_tables(scan, images)
    write_text(scan.paths["qc"], quality)
    _draw(scan)
    for key in remade:  # before the first map is replaced: a missing hash says that none of them is to be relied on
        _forget_hash(key, scan)
    for key, image in remade.items():
        save_labels(np.asarray(image.dataobj), image, scan.paths[key])
    _write_sidecars(scan, images, remade, verdict)
    return Recounted(tuple(scan.paths[key].name for key, each in scan.maps.items() if each.changed), unknown)


def _read(output_dir: Path, name: str) -> _Scan:
    paths = {key: output_dir / derivative_path(f"{name}_T1w.nii.gz", key) for key in DERIVATIVES}
    sidecars = _read_sidecars(paths)
    scans = {key: _whole_image(paths[key]) for key in ("t1w", "superres")}
    maps = {key: _read_map(key, paths[key], scans[like], sidecars[key]) for key, like in CORRECTABLE.items()
            if key != "vermis" or paths[key].exists()}  # fmt: skip
    icv = _whole_image(paths["icv"]) if paths["icv"].exists() else None
    if icv is not None:
        check_grid(paths["icv"], icv, scans["t1w"])
    for key in IN_TEMPLATE:
        _check_unchanged(paths[key], sidecars[key])
    if "vermis" in maps and maps["dseg"].changed and "labels_sha256" not in sidecars["vermis"].get("CerebBIDS", {}):
        reason = f"may have been corrected by hand (no hash in its sidecar), but {paths['dseg'].name} says otherwise"
        raise BadImage(str(paths["vermis"]), reason, "move it away and try again: then it gets no new volumes")
    return _Scan(paths, sidecars, maps, scans["t1w"], _whole_image(paths["dseg_mni"]), icv)


def _whole_image(path: Path) -> nib.Nifti1Image:
    """Open an image whose voxels are all there: those of a damaged one would be missed after the first file is made."""
    image = open_image(path, least_mm=0)
    read_voxels(path, image)
    return image


def _read_sidecars(paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Sidecars of the label maps and of all that comes from them; empty ones where there are none."""
    try:
        sidecars = {key: read_sidecar(paths[key]) for key in OF_LABELS}
    except ValueError as error:
        raise BadImage(str(paths["dseg"].parent), str(error), f"mend it, or move the map away and {_AGAIN}") from error
    if any(fact not in sidecars["dseg"].get("CerebBIDS", {}) for fact in _NEEDED):
        sidecar = str(sidecar_path(paths["dseg"]))
        raise BadImage(sidecar, "does not tell how sure the networks were, as in older versions", _AGAIN)
    return sidecars


def _check_unchanged(path: Path, sidecar: Mapping[str, Any]) -> None:
    """Refuse a map in template space that somebody has changed; one without a hash, or that is not there, passes."""
    noted = sidecar.get("CerebBIDS", {}).get("labels_sha256")
    if noted and path.exists() and is_changed(path, noted):
        reason = "was changed by hand, but corrections count on the image's own grid only"
        back = f"take it back from a copy, or move it away and {_AGAIN}"
        raise BadImage(str(path), reason, f"{back}: then correct the map on that grid")


def _read_map(key: str, path: Path, like: nib.Nifti1Image, sidecar: Mapping[str, Any]) -> _Map:
    labels = read_labels(path, load_scheme(DERIVATIVES[key]["seg"]), like)
    told = sidecar.get("CerebBIDS", {})
    noted = told.get("labels_sha256")
    changed = bool(noted) and noted != labels_sha256(labels)
    return _Map(with_data(like, labels), changed, changed or told.get("corrected", False))


def _remade(scan: _Scan) -> Iterator[tuple[str, nib.Nifti1Image]]:
    """Label maps and mask that come from seg-Lobules, where that was changed, or where this was begun and ended."""
    dseg, vermis = scan.maps["dseg"], scan.maps.get("vermis")
    if not dseg.changed and not any(_is_forgotten(sidecar) for sidecar in scan.sidecars.values()):
        return
    grid, target = scan.t1w.affine, scan.dseg_mni
    yield "mask", with_data(scan.t1w, (dseg.labels > 0).astype(np.uint8))
    mni_to_t1w = np.linalg.inv(read_itk_affine(scan.paths["xfm_to_mni"]))
    yield "dseg_mni", with_data(target, relabel(dseg.labels, grid, target.shape, target.affine, mni_to_t1w))
    if vermis and not vermis.corrected:
        zooms = np.linalg.norm(grid[:3, :3], axis=0)
        yield "vermis", with_data(scan.t1w, vermis_again(dseg.labels, vermis.labels, zooms))


def _judge(scan: _Scan, images: Mapping[str, nib.Nifti1Image]) -> Verdict:
    facts = scan.sidecars["dseg"]["CerebBIDS"]
    of_steps = facts.get("warnings_of_steps", facts.get("warnings", ()))  # not told apart by older versions
    labels = {key: images[key] for key in ("dseg", "dseg_mni", "carved")}
    return judge(
        **labels, t1w=scan.t1w, icv=scan.icv, facts=facts, t1w_to_mni=read_itk_affine(scan.paths["xfm_to_mni"]),
        of_steps=of_steps, corrected=scan.maps["dseg"].corrected,
    )  # fmt: skip


def _store(scan: _Scan) -> None:
    """Write maps as uint8 that an editor has written otherwise."""
    for key, each in scan.maps.items():
        if not is_plain(nib.load(scan.paths[key])):
            save_labels(each.labels, each.image, scan.paths[key])


def _write_tables(scan: _Scan, images: Mapping[str, nib.Nifti1Image]) -> None:
    lobules, carved = load_scheme(COMPARTMENTS), load_scheme(CARVED)
    fine = images["carved_fine"]
    write_volumes(lobule_volumes(images["dseg"], lobules, scan.icv), scan.paths["morph"])
    write_volumes(lobule_volumes(images["carved"], carved, scan.icv, fine), scan.paths["carved_morph"])
    if "vermis" in images:
        scheme = load_scheme(DERIVATIVES["vermis"]["seg"])
        write_volumes(lobule_volumes(images["vermis"], scheme, scan.icv), scan.paths["vermis_morph"])
    else:  # volumes of a map that was moved away would pass for those of the labels as they are
        for path in (scan.paths["vermis_morph"], sidecar_path(scan.paths["vermis_morph"])):
            path.unlink(missing_ok=True)


def _draw(scan: _Scan) -> None:
    paths, fine = scan.paths, scan.maps["carved_fine"]
    segmentation_mosaic(paths["t1w"], paths["dseg"], paths["figure_dseg"])
    carved_mosaic(paths["superres"], paths["carved_fine"], paths["figure_carved"])
    snapshots(paths["t1w"], paths["dseg"], COMPARTMENTS, paths["snapshot"])
    snapshots(paths["superres"], paths["carved_fine"], CARVED, paths["carved_snapshot"])
    volumes_figure(paths["morph"], paths["figure_morph"])
    flat_figure(paths["morph"], paths["figure_flat"])
    if paths["superres_mni"].exists():
        superres = _whole_image(paths["superres_mni"])
        mni_to_t1w = np.linalg.inv(read_itk_affine(paths["xfm_to_mni"]))
        labels = relabel(fine.labels, fine.image.affine, superres.shape, superres.affine, mni_to_t1w)
        surface_figure(nib.Nifti1Image(labels, superres.affine), superres, paths["figure_surface"])
    else:
        paths["figure_surface"].unlink(missing_ok=True)


def _forget_hash(key: str, scan: _Scan) -> None:
    """Take the hash from a sidecar whose map is to be replaced: beside another map it would tell of a correction."""
    sidecar = scan.sidecars[key]
    if sidecar and key in LABEL_MAPS:
        told = {**sidecar["CerebBIDS"], "labels_sha256": None}
        write_text(sidecar_path(scan.paths[key]), as_json({**sidecar, "CerebBIDS": told}))


def _is_forgotten(sidecar: Mapping[str, Any]) -> bool:
    """Whether a recount has taken the hash out and not put another one in: a map without any is of another version."""
    return sidecar.get("CerebBIDS", {}).get("labels_sha256", "") is None


def _write_sidecars(
    scan: _Scan, images: Mapping[str, nib.Nifti1Image], remade: Collection[str], verdict: Verdict
) -> None:
    """Tell in all sidecars what was found; that of seg-Lobules comes last."""
    older = OF_OLDER if scan.maps["dseg"].corrected else {}
    for key in reversed(OF_LABELS):
        if (sidecar := scan.sidecars[key]) and scan.paths[key].exists():
            told = {**sidecar["CerebBIDS"], **verdict.told(), **older, **_by_hand(key, scan.maps)}
            # A map that was found without a hash may be hand work: with one, a run would replace it without a word.
            if key in LABEL_MAPS and key in images and (key in remade or "labels_sha256" in told):
                told["labels_sha256"] = labels_sha256(np.asarray(images[key].dataobj))
            write_provenance(scan.paths[key], sidecar, told)


def _by_hand(key: str, maps: Mapping[str, _Map]) -> dict[str, bool]:
    """Say whether somebody has corrected a map, or what it was made from."""
    if key in maps and maps[key].corrected:
        return {"corrected": True}
    sources = (maps[source] for source in _MADE_FROM.get(key, ()) if source in maps)
    return {"from_corrected": True} if any(source.corrected for source in sources) else {}
