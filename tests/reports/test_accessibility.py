"""Both pages in a real browser, held against the rules of axe-core."""

import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from cerebbids.bids.names import DERIVATIVES, GROUP_PAGE, REPORTS
from cerebbids.cli.group import run_group
from cerebbids.cli.records import Record
from cerebbids.config import RunConfig
from cerebbids.reports.captions import CAPTIONS
from cerebbids.reports.drawing import Key, Outline, Panel, Picture, Row, jpeg, write_picture
from cerebbids.reports.html import write_subject_report
from cerebbids.reports.image import ImageReport
from cerebbids.reports.volumetry import Reference
from tests.browser import Browser, browsing, chromium
from tests.finished import RUN
from tests.groups import METRICS, folders, put

from .test_html import RUN as RUN_OF_PAGE
from .test_volumes import write_table
from .test_volumetry import PERSON, norms_table

AXE = Path(os.environ.get("AXE", Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"))
PROGRAM = chromium()
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no chromium"),
    pytest.mark.skipif(
        not AXE.is_file(), reason=f"there is no {AXE}: npm install --no-save axe-core, or AXE=/path/to/axe.min.js"
    ),
]
WIDTHS = (1400, 400)
CHECK = "axe.run(document, {resultTypes: ['violations'], iframes: false}).then((found) => found.violations)"
NAMES = [f"sub-{k}/ses-{label}/anat/sub-{k}_ses-{label}" for k in range(1, 7) for label in "ab"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(PROGRAM, tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


def picture() -> Picture:
    """Two cuts, one with outlines and one with another image behind it."""
    scans = [jpeg(np.full((120, 160), value, float), (0, 255)) for value in (60, 200)]
    outlines = (Outline("M40 40L90 40L90 90Z", "#9467bd", "Left Crus I"),)
    bare = Panel(scans[0], (400, 300), "y = 1", ("L", "R"), outlines)
    flicker = Panel(scans[0], (400, 300), "scan, y = 2", ("L", "R"), (), scans[1], "input, y = 2")
    return Picture("Cuts", (Row((bare, flicker), "Coronal"),), (Key("Crus I", ("#9467bd",)),), 0.3, ("In mm.",), "SEE")


@pytest.fixture(scope="module")
def subject_page(tmp_path_factory) -> Path:
    """Three images: one with all there can be and two warnings, one with a red light, and one that failed."""
    root = tmp_path_factory.mktemp("subject")
    figures = {}
    for key in CAPTIONS:
        figures[key] = root / f"{key}{DERIVATIVES[key]['extension']}"
        if figures[key].suffix == ".svg":
            write_picture(picture(), figures[key])
        else:
            Image.new("RGB", (1400, 800)).save(figures[key])
    tables = {key: write_table(root / f"{key}.tsv", lambda label: 4000) for key in ("morph", "carved_morph")}
    sheets = {key: root / f"{key}.pdf" for key in REPORTS}
    norms = norms_table(root / "norms.tsv", ("VI", "volume_mm3", "cm^3", 1, 2), ("X", "volume_mm3", "cm^3", 1, 20))
    quality = {"light": "yellow", "share": 0.123456, "definitions": {"share": "a share of something"}}
    images = (
        ImageReport(
            "sub-01_ses-baseline_acq-mprage_run-01_T1w.nii.gz", figures, tables, sheets,
            warnings=("Touches the edge.", "Is shifted."), facts={"Model": "deepceres 1.0"}, run=RUN_OF_PAGE,
            reference=Reference(norms, PERSON), remarks={"figure_t2w": "SYNTHETIC T2w"}, quality=quality,
        ),
        ImageReport("sub-01_run-2_T1w.nii.gz", figures, tables, run=RUN_OF_PAGE, quality={"light": "red"}),
        ImageReport("sub-01_run-3_T1w.nii.gz", errors=("has two volumes; split it",), run=RUN_OF_PAGE),
    )  # fmt: skip
    return write_subject_report(root, "01", images, RUN_OF_PAGE)


@pytest.fixture(scope="module")
def group(tmp_path_factory) -> RunConfig:
    """Twelve images with volumes, among them outliers and all lights, and one that failed."""
    config = folders(tmp_path_factory.mktemp("group"), *NAMES, "sub-7/anat/sub-7")
    for k, name in enumerate(NAMES):
        metrics = METRICS | ({"pieces": 2} if k == 3 else {"at_field_edge": True} if k == 4 else {})
        put(config.output_dir, name, 1 + k / 100, volumes={"Left VI": 9000.0} if k == 3 else {}, metrics=metrics)
    Record("sub-7/anat/sub-7_T1w.nii.gz", RUN, "sub-7: is empty; copy it again").save(config.output_dir)
    run_group(config)
    return config


def violations(page: Browser) -> list[str]:
    """What axe-core finds serious or critical, one a line."""
    page.run(AXE.read_text(encoding="utf-8") + ";0")
    return [
        f"{rule['impact']}: {rule['help']} ({rule['id']}): {node['html'][:160]} {node.get('failureSummary', '')}"
        for rule in page.run(CHECK)
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:4]
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_page_of_a_subject_has_no_serious_fault(browser, subject_page, width):
    browser.resize(width)
    browser.open(subject_page.as_uri())
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(browser) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_page_of_all_images_has_no_serious_fault(browser, group, width):
    browser.resize(width)
    browser.open((group.output_dir / GROUP_PAGE).as_uri())
    assert violations(browser) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_drawing_has_no_serious_fault(browser, tmp_path):
    """Alone, as axe-core does not look into objects."""
    write_picture(picture(), tmp_path / "cuts.svg")
    drawing = (tmp_path / "cuts.svg").read_text()
    page = f"<!DOCTYPE html><html lang=en><title>Cuts</title><main><h1>Cuts</h1>{drawing}</main>"
    (tmp_path / "cuts.html").write_text(page)
    browser.open((tmp_path / "cuts.html").as_uri())
    assert violations(browser) == []


def test_the_check_finds_faults(browser, tmp_path):
    (tmp_path / "bad.html").write_text("<!DOCTYPE html><html lang=en><title>Bad</title><main><img src='a.png'></main>")
    browser.open((tmp_path / "bad.html").as_uri())
    assert any("image-alt" in line for line in violations(browser))


@pytest.fixture
def served(subject_page):
    """Address of the folder of the page of a subject: of files, a browser lets no page look into its objects."""
    handler = partial(SimpleHTTPRequestHandler, directory=subject_page.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_the_pointer_does_a_key_does_inside_an_object(browser, subject_page, served):
    browser.resize(1400)
    browser.open(f"{served}/{subject_page.name}")
    inside = "document.querySelector('object').contentDocument"
    browser.until(f"{inside}.querySelectorAll('.panel').length === 2")
    style = f"{inside}.defaultView.getComputedStyle({inside}.querySelector(%s)).%s"
    fill, behind = style % ("'.bare .outline'", "fillOpacity"), style % ("'image.behind'", "opacity")
    assert (browser.run(fill), browser.run(behind)) == ("0.3", "0")
    browser.run("document.querySelector('.skip').focus()")
    reached: dict[str | None, tuple[str, str]] = {}
    for _ in range(4):
        browser.press("Tab")
        label = browser.run(f"{inside}.activeElement?.getAttribute('aria-label')")
        reached[label] = (browser.run(fill), browser.run(behind))
    assert reached["y = 1"] == ("0", "0") and reached["scan, y = 2"] == ("0.3", "1")


def test_figures_can_be_skipped(browser, subject_page):
    browser.open(subject_page.as_uri())
    browser.run("document.querySelector('.skip').focus()")
    browser.run("document.querySelector('.skip').click()")
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"  # that of the next figure
    assert browser.run("document.activeElement === document.querySelectorAll('.skip')[1]")
