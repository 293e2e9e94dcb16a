import json
from pathlib import Path

from cerebbids.bids.names import derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.cli.reporting import subject_images
from cerebbids.errors import BadImage


def put(output_dir: Path, source: str, key: str, **provenance) -> Path:
    target = output_dir / derivative_path(source, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("")
    sidecar = target.with_name(f"{target.name.split('.')[0]}.json")
    sidecar.write_text(json.dumps({"CerebBIDS": provenance}))
    return target


def test_page_has_what_this_run_and_earlier_ones_made(tmp_path):
    earlier = "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz"
    put(tmp_path, earlier, "dseg", model="net", seconds=61.4, warnings=["The cerebellum is small."])
    put(tmp_path, earlier, "dseg_mni")
    put(tmp_path, earlier, "xfm_to_mni", strategy="brain", overlap=0.91234)
    figure = put(tmp_path, earlier, "figure_dseg")
    put(tmp_path, "sub-02/anat/sub-02_T1w.nii.gz", "dseg")

    name = "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz"
    failed = SourceImage(tmp_path / name, "01", name)
    error = BadImage("sub-01_ses-b_T1w.nii.gz", "is empty", "copy it again")
    done, broken = subject_images(tmp_path, "01", [failed], {"sub-01_ses-b": error})

    assert done.name == "sub-01_ses-a_T1w.nii.gz" and done.errors == ()
    assert done.figures == {"figure_dseg": figure}
    assert done.warnings == ("The cerebellum is small.",)
    assert {"net", "61 s", "brain", "0.912"} <= set(done.facts.values())
    assert broken.errors == (str(error),) and broken.figures == {} and broken.morph_tsv is None


def test_sidecar_that_is_broken_is_told_on_the_page(tmp_path):
    name = "sub-01/anat/sub-01_T1w.nii.gz"
    for broken in ("{", "[]", '{"CerebBIDS": 1}'):
        sidecar_path(put(tmp_path, name, "dseg")).write_text(broken)
        (report,) = subject_images(tmp_path, "01", [], {})
        assert report.warnings[0].startswith("sub-01_seg-Lobules_dseg.json cannot be read")


def test_images_whose_names_are_ambiguous_are_on_the_page_by_their_paths(tmp_path):
    errors = {
        path: BadImage(path, "would share its outputs with another", "rename it")
        for path in ("sub-1/anat/sub-1_T1w.nii", "sub-1/anat/sub-1_T1w.nii.gz", "sub-11/anat/sub-11_T1w.nii")
    }
    reports = subject_images(tmp_path, "1", [], errors)
    assert [report.name for report in reports] == list(errors)[:2]
    assert all(report.state == "failed" for report in reports)
