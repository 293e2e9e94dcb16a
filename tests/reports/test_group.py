import json
import re

import pytest
from plotly.offline import get_plotlyjs

from cerebbids.bids.found import beside_labels
from cerebbids.bids.names import GROUP_PAGE
from cerebbids.cli.group import run_group
from cerebbids.cli.records import Record
from tests.finished import RUN
from tests.groups import MADE, RUNS, folders, put, put_infant

NAMES = [f"sub-{k}/anat/sub-{k}" for k in range(1, 7)]
BREAKOUT = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"


def page_of(config) -> str:
    run_group(config)
    page = (config.output_dir / GROUP_PAGE).read_text(encoding="utf-8")
    return page.replace(get_plotlyjs(), "")  # which says much that is nobody's


def data_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))


def test_sessions_are_counted_where_there_are_any(tmp_path):
    config = folders(tmp_path, *RUNS, NAMES[1])
    for name in (*RUNS, NAMES[1]):
        put(config.output_dir, name)
    assert "4 images · 2 participants · 2 sessions · made with" in page_of(config)


def test_page_says_what_there_is(tmp_path):
    config = folders(tmp_path, *NAMES)
    for k, name in enumerate(NAMES[:5]):
        put(config.output_dir, name, volumes={"Left VI": 50.0 if k == 4 else 900.0 + k})
    Record(f"{NAMES[5]}_T1w.nii.gz", RUN, "sub-6: is empty; copy it again").save(config.output_dir)
    page = page_of(config)
    assert "6 images · 6 participants · made with cerebbids 1.0.2" in page
    assert "1 failed: the table says why" in page and "sub-6: is empty; copy it again" in page
    data = data_of(page)
    assert data["links"][1] == "sub-2.html#sub-2_T1w.nii.gz"
    lobules = data["schemes"]["Lobules"]
    assert lobules["rows"] == [0, 1, 2, 3, 4] and lobules["cavity"] == [1000000] * 5
    panels = {panel["title"]: panel["strips"] for panel in lobules["panels"]}
    assert list(panels)[0] == "Cerebellum" and list(panels)[-1] == "IV (use I-IV)"
    left = next(strip for strip in panels["VI"] if strip["side"] == "left")
    assert left["values"] == [900, 901, 902, 903, 50]
    assert left["boxes"]["mm3"] == {"marks": [900, 900, 901, 902, 903], "outliers": [4]}
    assert left["boxes"]["percent"]["outliers"] == [4]
    assert [strip["side"] for strip in panels["Intracranial cavity"]] == ["both"]
    assert {"Vermis I-V", "Vermis"} <= {panel["title"] for panel in data["schemes"]["LobulesVermis"]["panels"]}


def test_page_wants_nothing_from_elsewhere(tmp_path):
    config = folders(tmp_path, *NAMES)
    put(config.output_dir, NAMES[0])
    page = page_of(config)
    assert not re.findall(r"""(?:src|href)=["'](?!sub-|group|data:,|#)""", page)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_what_files_say_is_text_and_nothing_else(tmp_path):
    name = "sub-1/anat/sub-1_acq-<b>&amp;\"'"
    config = folders(tmp_path, name, NAMES[1])
    put(config.output_dir, name, made=MADE | {"model": BREAKOUT})
    Record(f"{NAMES[1]}_T1w.nii.gz", RUN, BREAKOUT).save(config.output_dir)
    page = page_of(config)
    assert "<img" not in page and "<b>&amp;" not in page and page.count("</script>") == 9
    assert data_of(page)["images"][0] == name.rpartition("/")[2]
    assert data_of(page)["links"][0] == "sub-1.html#sub-1_acq-%3Cb%3E%26amp%3B%22%27_T1w.nii.gz"


@pytest.mark.parametrize("known", [4, 5])
def test_few_images_have_points_and_no_box(tmp_path, known):
    config = folders(tmp_path, *NAMES)
    for name in NAMES[:known]:
        put(config.output_dir, name)
    (strip,) = data_of(page_of(config))["schemes"]["DeepCERES"]["panels"][0]["strips"]
    assert len(strip["values"]) == known and (strip["boxes"]["mm3"] is None) is (known == 4)


def test_volumes_of_another_scheme_are_not_called_those_of_the_lobules(tmp_path):
    config = folders(tmp_path, *NAMES[:1])
    labels = put(config.output_dir, NAMES[0])
    beside_labels(labels, "morph").unlink()
    page = page_of(config)
    assert "seg-DeepCERES" in page and 'class="rating"' in page
    cells = re.findall(r'<td class="number" data-sort="([^"]*)">', page)[:3]
    assert cells == ["", "", ""]


def test_images_without_a_cavity_have_no_percent(tmp_path):
    config = folders(tmp_path, *NAMES)
    for name in NAMES:
        put(config.output_dir, name, cavity=None)
    lobules = data_of(page_of(config))["schemes"]["Lobules"]
    assert lobules["cavity"] == [None] * 6
    assert all(strip["boxes"].get("percent") is None for panel in lobules["panels"] for strip in panel["strips"])


def test_flat_map_is_there_where_volumes_are(tmp_path):
    config = folders(tmp_path, *NAMES)
    put(config.output_dir, NAMES[0])
    Record(f"{NAMES[1]}_T1w.nii.gz", RUN, "sub-2: is empty; copy it again").save(config.output_dir)
    page = page_of(config)
    assert page.count('class="flatmap"') == 1 and "Variation is shown of 5 images or more" in page
    row = re.search(r'class="flat-numbers".*?Crus I</th>(.*?)</tr>', page, re.S).group(1)
    shown = re.findall(r">([^<>]+)</td>", row)
    assert len(shown) == 5 and shown[3:] == ["1", "1"] and "n/a" not in shown


def test_group_without_volumes_of_lobules_has_no_flat_map(tmp_path):
    config = folders(tmp_path, NAMES[0])
    beside_labels(put(config.output_dir, NAMES[0]), "morph").unlink()
    page = page_of(config)
    assert 'class="flatmap"' not in page and (config.output_dir / GROUP_PAGE).stat().st_size < 1e5


def volumes_in(page: str) -> list[dict[str, str]]:
    """What the table tells of volumes, by the columns' titles, image by image."""
    body = re.search(r'<table id="quality">.*?</table>', page, re.S).group()
    titles = re.findall(r'data-kind="number" class="number".*?<button type="button".*?>(.*?)</button>', body)
    rows = body.split("<tbody>")[1].split("</tr>")[:-1]
    return [dict(zip(titles, re.findall(r'<td class="number".*?>(.*?)</td>', row), strict=True)) for row in rows]


def test_volumes_of_infants_and_of_others_are_kept_apart(tmp_path):
    config = folders(tmp_path, *NAMES)
    for k, name in enumerate(NAMES):
        put(config.output_dir, name, 20 if k else 1)
    alone = volumes_in(page_of(config))
    infants = [f"sub-i{k}/anat/sub-i{k}" for k in range(3)]
    for name in infants:
        source = config.bids_dir / f"{name}_T1w.nii.gz"
        source.parent.mkdir(parents=True)
        source.touch()
        put_infant(config.output_dir, name)
    page = page_of(config)
    *others, one, _, _ = volumes_in(page)
    added = "Cerebellum of infants, cm³"
    assert [{title: row[title] for title in alone[0]} for row in others] == alone
    assert {row[added] for row in others} == {"–"} and others[0]["Outliers"] != "0"
    assert (one["Cerebellum, cm³"], one["Cavity, cm³"], one[added], one["Outliers"]) == ("–", "–", "1.0", "–")
    assert "regions of seg-Lobules or seg-CerebellumTissue whose" in page
    assert list(data_of(page)["schemes"]) == ["Lobules", "DeepCERES", "LobulesVermis"]


def test_a_page_of_infants_has_no_columns_of_others(tmp_path):
    config = folders(tmp_path, *NAMES)
    for name in NAMES:
        put_infant(config.output_dir, name)
    first, *_ = volumes_in(page_of(config))
    assert "Cerebellum, cm³" not in first and first["Cerebellum of infants, cm³"] == "1.0" and first["Outliers"] == "0"
