"""The page of all images in a real browser."""

import json
from pathlib import Path

import pytest

from cerebbids.bids.names import GROUP_PAGE
from cerebbids.cli.group import run_group
from cerebbids.cli.records import Record
from cerebbids.config import RunConfig
from tests.browser import Browser, browsing, chromium
from tests.finished import RUN
from tests.groups import MADE, METRICS, folders, put

PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no chromium")

ODD = "sub-1/ses-a/anat/sub-1_ses-a_acq-<b>&"
NAMES = [f"sub-{k}/ses-{label}/anat/sub-{k}_ses-{label}" for k in range(2, 7) for label in "ab"]
BREAKOUT = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
SHOWN = "[...document.querySelectorAll('#quality tbody tr')].filter((row) => !row.hidden)"
FIRST = f"{SHOWN}.map((row) => row.cells[0].textContent)"


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> RunConfig:
    """Eleven images with volumes, one of another size and light, and one that failed."""
    config = folders(tmp_path_factory.mktemp("group"), ODD, *NAMES, "sub-7/anat/sub-7")
    put(config.output_dir, ODD, 0.995)
    for k, name in enumerate(NAMES):
        metrics = METRICS | ({"pieces": 2} if k == 3 else {})
        put(config.output_dir, name, 1 + k / 100, volumes={"Left VI": 9000.0} if k == 3 else {}, metrics=metrics)
    Record("sub-7/anat/sub-7_T1w.nii.gz", RUN, BREAKOUT).save(config.output_dir)
    for k in range(1, 8):
        (config.output_dir / f"sub-{k}.html").write_text(f"<!DOCTYPE html><title>sub-{k}</title>")
    assert run_group(config) == 1
    return config


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with browsing(PROGRAM, tmp_path_factory.mktemp("profile"), downloads) as browser:
        yield browser


@pytest.fixture
def page(browser, config) -> Browser:
    """The page as a reader sees it for the first time, from the disc."""
    address = (config.output_dir / GROUP_PAGE).as_uri()
    browser.open(address)
    browser.run("localStorage.clear()")
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(address)
    yield browser
    assert browser.complaints == []
    assert all(each.startswith(("file:", "blob:")) for each in browser.requests)


def click(page: Browser, title: str) -> None:
    buttons = "[...document.querySelectorAll('#quality thead button')]"
    page.run(f"{buttons}.find((one) => one.textContent === {json.dumps(title)}).click()")


def rate(page: Browser, image: str, rating: str, note: str = "") -> None:
    for kind, value in (("rating", rating), ("remark-of-reader", note)):
        page.run(
            f"[...document.querySelectorAll('.{kind}')].filter((one) => one.dataset.image === {json.dumps(image)})"
            f".forEach((one) => {{ one.value = {json.dumps(value)}; one.dispatchEvent(new Event('change')); }})"
        )


def exported(page: Browser, downloads: Path) -> list[list[str]]:
    file = downloads / "group_ratings.tsv"
    file.unlink(missing_ok=True)
    page.run("document.getElementById('export').click()")
    for _ in range(200):
        if file.exists() and file.read_text():
            return [line.split("\t") for line in file.read_text().splitlines()]
        page.run("new Promise((done) => setTimeout(done, 50))")
    raise TimeoutError(file)


def test_page_makes_no_request_and_runs_no_foreign_script(page):
    assert page.requests == [page.run("location.href")]
    assert page.run("window.broken === undefined") is True
    assert len(page.run(FIRST)) == 12


def test_click_on_a_header_sorts_and_a_second_one_turns_it_round(page):
    click(page, "Cerebellum, cm³")
    names = page.run(FIRST)
    assert names[0] == "sub-1_ses-a_acq-<b>&" and names[-1] == "sub-7"  # of which nothing is known
    state = "document.querySelector('#quality th:nth-child(6)').getAttribute('aria-sort')"
    assert page.run(state) == "ascending"
    click(page, "Cerebellum, cm³")
    assert page.run(state) == "descending"
    assert page.run(FIRST) == [*names[-2::-1], "sub-7"]
    click(page, "Image")
    assert page.run(state) == "none" and page.run(FIRST)[0] == "sub-1_ses-a_acq-<b>&"


def test_only_rows_that_match_are_shown(page):
    page.set("find", "SUB-3", "input")
    page.until(f"{SHOWN}.length < 12")
    assert page.run(FIRST) == ["sub-3_ses-a", "sub-3_ses-b"]
    page.set("by-light", "yellow")
    assert page.run(FIRST) == ["sub-3_ses-b"]
    assert page.run("document.getElementById('shown').textContent") == "1 of 12 shown"


def test_names_lead_to_the_pages_of_participants(page):
    href = "document.querySelector('#quality tbody tr a').getAttribute('href')"
    assert page.run(href) == "sub-1.html#sub-1_ses-a_acq-%3Cb%3E%26_T1w.nii.gz"
    page.run("document.querySelector('#quality tbody tr a').click()")
    assert page.until("document.title === 'sub-1'")
    assert page.run("decodeURIComponent(location.hash)") == "#sub-1_ses-a_acq-<b>&_T1w.nii.gz"


def test_ratings_are_kept_exported_and_imported(page, downloads, tmp_path):
    rate(page, "sub-2_ses-b", "fail", "border of VI\tin the wrong fissure")
    rate(page, "sub-1_ses-a_acq-<b>&", "pass")
    page.open(page.run("location.href"))
    assert page.run("document.getElementById('kept').textContent") == "2 rated, kept in this browser"
    header, *rows = exported(page, downloads)
    assert header == ["image", "rating", "note", "date", "version", "model", "method"]
    assert [row[:3] for row in rows] == [
        ["sub-1_ses-a_acq-<b>&", "pass", "n/a"],
        ["sub-2_ses-b", "fail", "border of VI in the wrong fissure"],
    ]
    assert all(row[3].startswith("20") and row[3].endswith("Z") for row in rows)
    assert all(row[4:] == [*MADE.values()] for row in rows)
    page.run("localStorage.clear()")
    page.open(page.run("location.href"))
    assert exported(page, downloads) == [header]
    table = tmp_path / "ratings.tsv"
    more = [
        ["sub-3_ses-a", "flag", BREAKOUT, "2026-01-02"],
        ["sub-99", "pass", "n/a", "n/a"],
        ["sub-3_ses-b", "good", "", ""],
    ]
    table.write_text("\n".join("\t".join(row) for row in [header, *rows, *more]) + "\n")
    page.choose_file("#import", table)
    said = "document.getElementById('kept').textContent"
    assert "3 imported, 2 left out" in page.until(f"{said}.includes('imported') && {said}")
    assert exported(page, downloads) == [header, *rows, [*more[0], "n/a", "n/a", "n/a"]]
    assert page.run("window.broken === undefined") is True
    page.set("by-rating", "flag")
    assert page.run(FIRST) == ["sub-3_ses-a"]


@pytest.mark.parametrize("column", [4, 5, 6])
def test_rating_of_results_made_otherwise_is_from_before(page, downloads, tmp_path, column):
    rate(page, "sub-2_ses-b", "fail", "border of VI")
    header, row = exported(page, downloads)
    older = [*row[:column], "another", *row[column + 1 :]]
    (tmp_path / "ratings.tsv").write_text("".join("\t".join(line) + "\n" for line in (header, older)))
    page.choose_file("#import", tmp_path / "ratings.tsv")
    said = "document.getElementById('kept').textContent"
    told = page.until(f"{said}.includes('imported') && {said}")
    assert told.startswith("0 rated, 1 more of results made otherwise, kept in this browser; 1 imported")
    page.open(page.run("location.href"))
    place = "[...document.querySelectorAll('#quality tr')].find((one) => one.cells[0].textContent === 'sub-2_ses-b')"
    state = f"{{ const row = {place}; [row.dataset.rating, row.querySelector('.rating').value] }}"
    assert page.run(state) == ["none", ""]
    assert page.run(f"{place}.querySelector('input').value") == ""
    assert page.run(f"{place}.querySelector('.older').textContent") == (
        f"before: fail, border of VI ({', '.join(older[4:])})"
    )
    assert exported(page, downloads) == [header, older]
    rate(page, "sub-2_ses-b", "pass")
    assert page.run(f"{place}.querySelector('.older').textContent") == ""
    assert [line[1] for line in exported(page, downloads)] == ["rating", "pass"]


def test_ratings_work_where_a_browser_keeps_nothing(page, downloads):
    script = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    made = page.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        page.open(page.run("location.href"))
        rate(page, "sub-2_ses-b", "pass")
        rate(page, "sub-4_ses-b", "flag", "ghosts")
        assert "NOT kept" in page.run("document.getElementById('kept').textContent")
        assert [row[:3] for row in exported(page, downloads)[1:]] == [
            ["sub-2_ses-b", "pass", "n/a"],
            ["sub-4_ses-b", "flag", "ghosts"],
        ]
    finally:
        page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=made["identifier"])


def test_keys_and_pointer_tell_which_image_a_point_is(page):
    panel = "[...document.querySelectorAll('#distributions .panel')].find((one) => one.textContent.startsWith('VI'))"
    line = f"{panel}.querySelector('.readout').textContent"
    page.run(f"{panel}.querySelector('svg').focus()")
    page.press("ArrowRight")
    assert page.run(line) == "sub-1_ses-a_acq-<b>&: left 1,035 mm³"
    for _ in range(10):
        page.press("ArrowRight")
    assert page.run(line) == "sub-3_ses-b: left 9,000 mm³, outlier"
    assert page.run("document.querySelectorAll('#distributions .mark[visibility=visible]').length") > 20
    page.press("Escape")
    assert "11 images" in page.run(line)
    page.run(f"{panel}.scrollIntoView()")
    ring = f"{panel}.querySelector('.outlier').getBoundingClientRect()"
    where = page.run(f"{{ const at = {ring}; [at.x + at.width / 2, at.y + at.height / 2] }}")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=where[0], y=where[1])
    assert page.run(line) == "sub-3_ses-b: left 9,000 mm³, outlier"


def test_labels_and_units_can_be_chosen(page):
    titles = "[...document.querySelectorAll('#distributions h3')].map((one) => one.textContent)"
    assert "Vermis" not in page.run(titles) and "Intracranial cavity" in page.run(titles)
    page.set("scheme", "LobulesVermis")
    assert "Vermis" in page.run(titles)
    page.set("unit", "percent")
    assert "Intracranial cavity" not in page.run(titles)
    assert " %" in page.run("document.querySelector('#distributions .readout').textContent")


def test_changes_tell_both_images(page):
    page.run("document.querySelector('#differences svg').focus()")
    page.press("ArrowRight")
    told = page.run("document.querySelector('#differences .readout').textContent")
    assert told.startswith("sub-") and " → " in told and "mm³" in told


@pytest.mark.parametrize("width", [400, 1400])
def test_page_fits_and_all_controls_have_names(page, width, tmp_path):
    page.resize(width)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "searchbox", "textbox", "link", "application", "region")
    controls = [node for node in tree if node.get("role", {}).get("value") in roles and not node["ignored"]]
    assert len(controls) > 50
    assert all(node["name"]["value"].strip() for node in controls)
