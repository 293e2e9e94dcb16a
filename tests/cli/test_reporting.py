import json
from pathlib import Path

from cerebbids.bids.names import derivative_path
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
