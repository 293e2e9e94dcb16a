import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

from plotly.offline import get_plotlyjs

from cerebbids.reports.html import write_subject_report
from cerebbids.reports.image import ImageReport
from cerebbids.reports.summary import RunSummary

from .test_volumes import write_table

RUN = RunSummary(
    "1.2.3",
    "cerebbids /data /out participant",
    "Denoised with **ANTs** <b>x</b>.",
    datetime(2026, 1, 2),
    75.0,
)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.anchors = [], set()

    def handle_starttag(self, tag, attrs):
        self.targets += [value for name, value in attrs if name in ("href", "src", "data")]
        self.anchors |= {value for name, value in attrs if name == "id"}


def page(tmp_path, *images, subject="01"):
    path = write_subject_report(tmp_path, subject, images, RUN)
    text = path.read_text().replace(get_plotlyjs(), "")  # which says much that is nobody's
    links = Links()
    links.feed(text)
    return path, text, links


def done(tmp_path, **more):
    figure = tmp_path / "sub-01" / "figures" / "sub-01_seg-Lobules_dseg.svg"
    figure.parent.mkdir(parents=True, exist_ok=True)
    figure.write_text("<svg/>")
    table = write_table(tmp_path / "morph.tsv", lambda label: 4000)
    return ImageReport("sub-01_T1w.nii.gz", {"figure_dseg": figure}, {"morph": table}, **{"run": RUN, **more})


def test_page_lies_at_the_root_and_finds_its_figures(tmp_path):
    path, _, links = page(tmp_path, done(tmp_path))
    assert path == tmp_path / "sub-01.html"
    for target in links.targets:
        if target.startswith("#"):
            assert target[1:] in links.anchors
        else:
            assert (path.parent / target).is_file()
    assert "sub-01/figures/sub-01_seg-Lobules_dseg.svg" in links.targets


def test_page_needs_no_network(tmp_path):
    path, text, links = page(tmp_path, done(tmp_path))
    assert not [target for target in links.targets if re.match(r"(\w+:)?//", target)]
    assert "@import" not in text and "url(" not in text and not re.search(r"<script[^>]*src", text)
    assert "script-src 'unsafe-inline'; connect-src 'none'" in text
    assert path.read_text().count(get_plotlyjs()) == 1 and path.stat().st_size < 15e6


def test_page_without_volumes_has_no_script(tmp_path):
    report = replace(done(tmp_path), tables={})
    path, text, _ = page(tmp_path, report, ImageReport("sub-01_run-2_T1w.nii.gz", errors=("has 2 volumes",)))
    assert "<script" not in text and path.stat().st_size < 1e5


def test_images_have_a_flat_map_each_and_share_its_scripts(tmp_path):
    report = done(tmp_path)
    empty = replace(report, tables={"morph": write_table(tmp_path / "empty.tsv", lambda label: 0)})
    path, text, _ = page(tmp_path, report, replace(report, name="sub-01_run-2_T1w.nii.gz"), empty)
    assert text.count('class="flatmap"') == 2 and path.read_text().count(get_plotlyjs()) == 1
    assert "Crus I, left" in text and "picture of where they are, and no measurement" in text


def test_warnings_come_before_the_figures(tmp_path):
    _, text, _ = page(tmp_path, done(tmp_path, warnings=("touches the edge",)))
    assert text.index("touches the edge") < text.index("<object")
    assert "done, with warnings" in text


def test_failed_image_stands_beside_the_others(tmp_path):
    failed = ImageReport("sub-01_run-2_T1w.nii.gz", errors=("has <2> volumes",))
    _, text, _ = page(tmp_path, done(tmp_path), failed)
    assert text.count('class="image"') == 2
    assert "has &lt;2&gt; volumes" in text and "has <2>" not in text
    assert text.count('<span class="state">failed') == text.count('<span class="state">done') == 1


def test_figures_of_a_failed_image_are_called_old(tmp_path):
    _, text, _ = page(tmp_path, done(tmp_path, errors=("no memory",)))
    assert "an earlier" in text and text.index("an earlier") < text.index("<object")
    assert "an earlier" not in page(tmp_path, done(tmp_path))[1]


def test_volumes_are_written_out(tmp_path):
    _, text, _ = page(tmp_path, done(tmp_path))
    assert "104.0" in text  # 26 labels of 4 cm3
    row = re.search(r"</span>I-IV</th>(.*?)</tr>", text, re.S).group(1)
    assert re.findall(r">([^<>\n]+)</td>", row) == ["12.00", "12.00", "24.00", "23.1", "+0.0"]


def test_each_convention_has_its_table_and_the_second_says_how_it_differs(tmp_path):
    assert page(tmp_path, done(tmp_path))[1].count('<table class="volumes">') == 1
    report = done(tmp_path)
    table = write_table(tmp_path / "carved.tsv", lambda label: 3000)
    text = page(tmp_path, replace(report, tables={**report.tables, "carved_morph": table}))[1]
    first, second = text.split('<table class="volumes">')[1:]
    assert "seg-Lobules" in first and "with the thin fluid between its folia" in first
    assert "seg-DeepCERES" in second and "fluid between folia is no part of a lobule" in second
    assert row_of(first, "I-IV")[:3] == ["12.00", "12.00", "24.00"]
    assert row_of(second, "I-IV")[:3] == ["9.00", "9.00", "18.00"]
    assert "104.0 <small>" in text and "78.0 <small>" not in text  # the tiles show the first


def test_methods_are_rendered_and_cannot_inject(tmp_path):
    _, text, _ = page(tmp_path, done(tmp_path))
    assert "<strong>ANTs</strong>" in text and "&lt;b&gt;x&lt;/b&gt;" in text
    assert "cerebbids 1.2.3" in text and "1 min 15 s" in text and RUN.command in text


def test_images_of_another_run_have_its_methods_and_command(tmp_path):
    older = ImageReport("sub-01_ses-a_T1w.nii.gz", run=replace(RUN, command="cerebbids old", methods_md="Smoothed."))
    methods = page(tmp_path, done(tmp_path), older, ImageReport("unknown"))[1].partition('id="methods"')[2]
    said = ["sub-01_T1w", "<strong>ANTs", "out participant", "sub-01_ses-a_T1w", "Smoothed", "cerebbids old"]
    places = [methods.index(words) for words in said]
    assert places == sorted(places) and "unknown" not in methods


def test_every_image_has_a_place_of_its_own_on_the_page(tmp_path):
    twins = [ImageReport(f"sub-01/anat/sub-01_T1w.{extension}") for extension in ("nii", "nii.gz")]
    text = page(tmp_path, *twins)[1]
    assert len(set(re.findall(r'<section id="(sub[^"]+)"', text))) == 2


def test_subject_without_images_has_a_page(tmp_path):
    path, text, _ = page(tmp_path, subject="sub-02")
    assert path.name == "sub-02.html" and "no T1w image" in text


def test_names_of_the_figures_are_those_of_the_derivatives():
    from cerebbids.bids.names import DERIVATIVES
    from cerebbids.reports.captions import CAPTIONS

    assert list(CAPTIONS) == [key for key in DERIVATIVES if key.startswith("figure_")]


def test_every_figure_is_told_in_words():
    from cerebbids.reports.captions import CAPTIONS

    for caption in CAPTIONS.values():
        assert len(caption.alt) > 60 and caption.alt.endswith(".") and not caption.alt.startswith(caption.title)


def test_pictures_are_images_and_drawings_are_objects(tmp_path):
    from cerebbids.reports.captions import CAPTIONS

    surface = tmp_path / "sub-01" / "figures" / "sub-01_seg-DeepCERES_desc-surface_dseg.png"
    report = done(tmp_path)
    surface.write_bytes(b"PNG")
    text = page(tmp_path, replace(report, figures={**report.figures, "figure_surface": surface}))[1]
    (image,) = re.findall(r"<img [^>]+>", text)
    assert f'alt="{CAPTIONS["figure_surface"].alt}"' in image
    (drawing,) = re.findall(r"<object [^>]+>", text)
    assert f'aria-label="{CAPTIONS["figure_dseg"].alt}"' in drawing


def test_what_is_wide_scrolls_and_can_be_reached_by_keyboard(tmp_path):
    text = page(tmp_path, done(tmp_path))[1]
    wide = re.findall(r"<div class=\"wide\"([^>]*)>\s*<(\w+)", text)
    assert [tag for _, tag in wide] == ["table", "object", "table"]
    assert all('tabindex="0"' in told and 'role="region"' in told and "aria-label=" in told for told, _ in wide)
    assert text.count("<table") == 2 and text.count("<object") == 1


def test_lights_are_words_too(tmp_path):
    text = page(tmp_path, done(tmp_path, quality={"light": "yellow"}))[1]
    assert len(re.findall(r'role="img" aria-label="quality"></span> yellow<', text)) == 2


def with_cavity(tmp_path, mm3: str, **more) -> str:
    report = done(tmp_path, **more)
    with report.tables["morph"].open("a") as table:
        table.write(f"n/a\tIntracranial cavity\tboth\tn/a\t{mm3}\t{mm3}\n")
    return page(tmp_path, report)[1]


def row_of(text: str, region: str) -> list[str]:
    row = re.search(rf"</span>{region}</th>(.*?)</tr>", text, re.S).group(1)
    return re.findall(r">([^<>\n]+)</td>", row)


def test_volumes_are_shares_of_the_cavity(tmp_path):
    text = with_cavity(tmp_path, "1300000")
    assert re.search(r"Intracranial cavity</dt>\s*<dd>1300 <small>cm³", text)
    assert "of which cerebellum 8.00 %" in text
    assert row_of(text, "I-IV") == ["12.00", "12.00", "24.00", "23.1", "1.846", "+0.0"]


def test_stripped_image_has_no_share_of_a_cavity(tmp_path):
    text = with_cavity(tmp_path, "n/a")
    assert "not measured: skull-stripped, or not found" in text and "of which cerebellum" not in text
    assert row_of(text, "I-IV")[4] == "n/a"


def test_table_of_an_older_version_says_nothing_of_a_cavity(tmp_path):
    text = page(tmp_path, done(tmp_path))[1]
    assert "cavity" not in text and "skull-stripped" not in text


def test_remark_stands_before_the_caption_of_its_figure(tmp_path):
    text = page(tmp_path, done(tmp_path, remarks={"figure_dseg": "NOT <real>", "figure_t2w": "of no figure"}))[1]
    assert re.search(r'<figcaption><b class="remark">NOT &lt;real&gt;\.</b> Check that', text)
    assert "of no figure" not in text
