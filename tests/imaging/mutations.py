"""Files of a head in every sound form, and in unsound ones; families of them, for Hypothesis."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
from hypothesis import strategies as st

from .headfiles import SHAPE, Case, Form, head, pack
from .judging import LIMIT_BYTES

NAMES = ("sub-01_T1w.nii", "sub-01_T1w.nii.gz", "pair.img", "pair.hdr", "größe 頭.nii", "a b.nii.gz", "A.NII.GZ")
SOUND = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
ODD = (0.0, -1.0, -2.0, 0.5, 1e-40, -1e-40, 1e10, 1e30, -1e30, 3e38, float("nan"), float("inf"), -float("inf"))
SIZES = (0, 1, -1, 2, 7, 22, 24, 26, 300, 3000, 30000, 32767, -32768)
NUMBERS = {"vox_offset": 0, "scl_slope": 0, "scl_inter": 0, "cal_max": 0, "cal_min": 0, "toffset": 0} | {
    "slice_duration": 0, "pixdim": 8, "srow_x": 4, "srow_y": 4, "srow_z": 4, "quatern_b": 0, "quatern_c": 0,
    "quatern_d": 0, "qoffset_x": 0, "qoffset_y": 0, "qoffset_z": 0, "intent_p1": 0,
}  # fmt: skip
CODES = ("sform_code", "qform_code", "datatype", "bitpix", "intent_code", "slice_start", "slice_end", "sizeof_hdr")

LARGE = 2_300_000_000
"""nibabel asks the system for as many bytes as an extension says that it has, and touches none that are not there."""


@dataclass(frozen=True)
class Family:
    """Files to draw, how many, and the memory (bytes) that reading one may ask for."""

    draw: Callable[[], st.SearchStrategy[Case]]
    cases: int
    limit: int = LIMIT_BYTES


sizes = st.tuples(*[st.floats(2.75, 2.9)] * 3)
angles = st.sampled_from((0.0, 0.0, np.pi / 2, np.pi, -np.pi / 2)) | st.floats(-np.pi, np.pi)
grids = {
    "axes": st.permutations((0, 1, 2)).map(tuple),
    "flips": st.tuples(*[st.booleans()] * 3),
    "angles": st.tuples(*[angles] * 3),
    "zooms": sizes,
    "origin": st.tuples(*[st.floats(-1000, 1000)] * 3),
    "shear": st.sampled_from((0.0, 0.0, 0.05, 0.2)),
    "forms": st.sampled_from(("sform", "qform", "both", "apart")),
    "codes": st.tuples(st.integers(1, 5), st.integers(1, 5)),
    "version": st.sampled_from((1, 1, 2)),
    "order": st.sampled_from("<>"),
    "name": st.sampled_from(NAMES),
    "extension": st.sampled_from((b"", b"", b"made for a test", b"long " * 60)),
}


def sound() -> st.SearchStrategy[Case]:
    """Everything that a file may be and has to be read right."""
    number = {"slope": st.floats(1e-20, 1e20) | st.just(0.0), "inter": st.sampled_from((0.0, 0.0, 3.0))}
    forms = st.builds(Form, **grids, **number, dtype=st.sampled_from(SOUND))
    return forms.map(lambda form: replace(form, inter=form.inter * form.slope).case())


def values() -> st.SearchStrategy[Case]:
    """Odd voxels, odd scales."""
    number = {"slope": st.sampled_from((1.0, *ODD)), "inter": st.sampled_from((0.0, 0.0, *ODD, -70.0))}
    types = (*SOUND, "float32", "float64", "complex64", "complex128")
    forms = st.builds(Form, **number, dtype=st.sampled_from(types), name=st.sampled_from(NAMES[:2]))
    return st.builds(
        _with_voxels, forms, st.sampled_from(VOXELS), st.sampled_from(ODD), st.sampled_from((1e-4, 1e-3, 0.03, 0.3))
    )


def _with_voxels(form: Form, make: Callable[[np.ndarray, float, float], np.ndarray], odd: float, share: float) -> Case:
    data = make(form.turned[0], odd, share)
    if form.dtype[0] in "iu":
        limits = np.iinfo(form.dtype)
        data = np.nan_to_num(data).clip(float(limits.min) / 2, float(limits.max) / 2)
    with np.errstate(all="ignore"):
        return form.case(data)


def _spotted(data: np.ndarray, odd: float, share: float) -> np.ndarray:
    return np.where(np.random.default_rng(0).random(data.shape) < share, odd, data)


VOXELS = (
    _spotted,
    lambda data, odd, share: np.full_like(data, odd),
    lambda data, odd, share: data - 40,
    lambda data, odd, share: np.where(data, data - 30, -1000 * share),
    lambda data, odd, share: data * (odd if np.isfinite(odd) else 1e-44),
    lambda data, odd, share: data.astype(np.float32).byteswap().astype(float),
    lambda data, odd, share: -data,
    lambda data, odd, share: _spotted(_spotted(data, odd, share)[::-1], -odd, share),
)


def header_fields() -> st.SearchStrategy[Case]:
    """Numbers of the header that are not what they should be, a few together."""
    number = st.sampled_from(ODD)
    several = [st.tuples(st.just(name), st.integers(0, n - 1)) for name, n in NUMBERS.items() if n]
    single = st.sampled_from([name for name, n in NUMBERS.items() if not n])
    odd = st.dictionaries(st.one_of(single, *several), number, max_size=3)
    codes = st.dictionaries(
        st.sampled_from(CODES), st.sampled_from((0, 1, 2, 3, 5, 6, 77, -1, -300, 128, 512, 1536, 2304, 3006))
    )
    texts = st.dictionaries(st.sampled_from(("descrip", "aux_file", "intent_name", "magic")), st.binary(max_size=8))
    units = st.dictionaries(st.sampled_from(("xyzt_units", "dim_info", "slice_code")), st.integers(0, 127))
    fields = st.one_of(odd, odd, st.builds(lambda *parts: parts[0] | parts[1] | parts[2], odd, codes, units), texts)
    some = {name: grids[name] for name in ("axes", "flips", "angles", "forms", "version", "order")}
    forms = st.builds(Form, **some, fields=fields, name=st.sampled_from(NAMES[:4]))
    return forms.map(lambda form: form.case(keeps_marks=False))


def sign_of_left() -> st.SearchStrategy[Case]:
    """The numbers that say which side is left, alone and odd."""
    code = st.sampled_from((0, 1, 2, 4, 5, 6, 77, -1))
    fields = st.fixed_dictionaries(
        {"sform_code": code, "qform_code": code, ("pixdim", 0): st.sampled_from((1.0, -1.0, *ODD))}
    )
    some = {name: grids[name] for name in ("axes", "flips", "angles", "version", "order")}
    forms = st.builds(Form, **some, forms=st.just("apart"), fields=fields)
    return forms.map(lambda form: form.case(keeps_marks=False))


def dimensions() -> st.SearchStrategy[Case]:
    """Shapes that are not the head's: a tail of axes, too few, none, negative, huge."""
    tail = st.lists(st.sampled_from((1, 1, 1, 2, 0, -1, 30000)), max_size=4)
    honest = tail.map(lambda tail: (3 + len(tail), *SHAPE, *tail))
    wild = st.tuples(st.integers(-1, 9), *[st.sampled_from(SIZES)] * 7)
    huge = st.tuples(st.just(3), *[st.sampled_from((22, 300, 3000, 30000, 32767))] * 3)
    some = {name: grids[name] for name in ("version", "order", "forms")}
    forms = st.builds(Form, **some, dtype=st.sampled_from(SOUND[:3]), name=st.sampled_from(NAMES[:4]))
    return st.builds(_with_dim, forms, st.one_of(honest, wild, huge), st.floats(0.3, 3))


def _with_dim(form: Form, dim: tuple[int, ...], zoom: float) -> Case:
    kept = dim[1:4] == SHAPE and all(n == 1 for n in dim[4:])
    fields = {"dim": (*dim, *[1] * (8 - len(dim)))}
    form = replace(form, fields=fields, zooms=form.zooms if kept else (zoom,) * 3)
    return form.case(keeps_marks=kept)


def containers() -> st.SearchStrategy[Case]:
    """What is in a file is not what its name says."""
    contents = {name: replace(Form(), name=name).case().files[name] for name in NAMES[:4]}
    whole = contents[NAMES[0]]
    contents |= {"nothing": b"", "packed nothing": gzip.compress(b""), "top": whole[:352], "cut top": whole[:200]}
    contents |= {"text": b"not an image\n" * 99, "packed text": gzip.compress(b"no image"), "signature": b"\x1f\x8b"}
    contents |= {"packed top": gzip.compress(whole[:352]), "twice": gzip.compress(gzip.compress(whole))}
    tails = st.sampled_from((b"", b"", bytes(100), b"garbage", whole, gzip.compress(b"more")))
    names = st.sampled_from((*NAMES, "a.mgz", "a.nii.bz2", "a.nii.zst", "a.dscalar.nii", "none", "a.img.gz"))
    content = st.sampled_from(list(contents.values())) | st.binary(max_size=400)
    alone = st.builds(lambda name, content, tail: Case(name, {name: content + tail}), names, content, tails)
    return st.one_of(alone, st.builds(_analyze, st.booleans(), st.booleans()), st.builds(_unpaired, st.booleans()))


def _analyze(by_header: bool, spm: bool) -> Case:
    image = (nib.Spm99AnalyzeImage if spm else nib.AnalyzeImage)(head().astype(np.int16), Form().affine)
    files = {f"a{ending}": pack(part, ending) for ending, part in zip((".img", ".hdr"), _parts(image), strict=True)}
    return Case("a.hdr" if by_header else "a.img", files)


def _parts(image: nib.AnalyzeImage) -> tuple[bytes, bytes]:
    return np.asarray(image.dataobj).tobytes("F"), image.header.binaryblock


def _unpaired(by_header: bool) -> Case:
    case = replace(Form(), name="pair.hdr" if by_header else "pair.img").case()
    return replace(case, files={case.name: case.files[case.name]}, marks=None)


def damaged() -> st.SearchStrategy[Case]:
    """Files cut anywhere, and files with other bytes at a few places."""
    some = {name: grids[name] for name in ("forms", "version", "order", "extension")}
    forms = st.builds(Form, **some, dtype=st.sampled_from(SOUND), name=st.sampled_from(NAMES[:4]))
    whole = forms.map(lambda form: form.case(keeps_marks=False))
    flips = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6)
    return st.builds(_damage, whole, flips, st.sampled_from(("top", "all", "cut", "packed")), st.booleans())


def _damage(case: Case, flips: list[tuple[float, int]], how: str, of_header: bool) -> Case:
    name = case.name.replace(".img", ".hdr") if of_header or how == "top" else case.name.replace(".hdr", ".img")
    content = bytearray(case.files[name])
    inside = how != "packed" and name.endswith(".gz")
    content = bytearray(gzip.decompress(content)) if inside else content
    if how == "cut":
        content = content[: int(flips[0][0] * len(content))]
    else:
        for place, bits in flips:
            content[int(place * (min(len(content), 352) if how == "top" else len(content)))] ^= bits
    files = case.files | {name: pack(bytes(content), name) if inside else bytes(content)}
    return replace(case, files=files, told=f"{case.told}, {how} of {name} at {flips}")


def extensions() -> st.SearchStrategy[Case]:
    """What follows the header says that it is longer or shorter than it is, or of another kind."""
    size = st.sampled_from((128, 128, 128, 64, 0, 8, 16, 7, -8, 2**31 - 1, -(2**31), 10000)) | st.integers(
        -(2**31), 2**31 - 1
    )
    codes = st.sampled_from((0, 2, 4, 6, 32, 42, 44, -1))
    forms = st.builds(Form, extension=st.just(b"<a>" * 40), name=st.sampled_from(NAMES[:4]))
    return st.builds(_with_extension, forms, size, codes)


def _with_extension(form: Form, size: int, code: int) -> Case:
    case = form.case()
    name = case.name.replace(".img", ".hdr")
    packed = name.endswith(".gz")
    content = bytearray(gzip.decompress(case.files[name]) if packed else case.files[name])
    content[352:360] = np.array([size, code], "<i4").tobytes()
    return replace(case, files=case.files | {name: pack(bytes(content), name)}, told=f"{form}, {size}, {code}")


FAMILIES = {
    "sound": Family(sound, 300),
    "values": Family(values, 250),
    "header fields": Family(header_fields, 300),
    "sign of left": Family(sign_of_left, 100),
    "dimensions": Family(dimensions, 150),
    "containers": Family(containers, 150),
    "damaged": Family(damaged, 250, LARGE),
    "extensions": Family(extensions, 50, LARGE),
}
