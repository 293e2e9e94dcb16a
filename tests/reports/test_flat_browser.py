"""The flat map on pages in a real browser."""

from pathlib import Path

import pytest

from cerebbids.bids.names import GROUP_PAGE
from cerebbids.cli.group import run_group
from cerebbids.reports.html import write_subject_report
from tests.browser import Browser, browsing, chromium
from tests.groups import filled

from .test_html import RUN, done

PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no chromium")

DRAWN = "document.querySelectorAll('.flat .main-svg').length > 0"
FILLS = "[...document.querySelectorAll('.flat .fills path')].map((one) => getComputedStyle(one).fill)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("subject")
    config = filled(tmp_path_factory.mktemp("group"), *(f"sub-{k}/anat/sub-{k}" for k in range(1, 7)))
    run_group(config)
    subject = write_subject_report(folder, "01", [done(folder)], RUN)
    return {"subject": subject, "group": config.output_dir / GROUP_PAGE}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(PROGRAM, tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


@pytest.fixture(params=["subject", "group"])
def page(browser, pages, request) -> Browser:
    """A page as it is opened from the disc."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(pages[request.param].as_uri())
    yield browser
    assert browser.complaints == []
    assert all(each.startswith(("file:", "data:")) for each in browser.requests)


def unfold(page: Browser) -> None:
    page.run("document.querySelector('.flatmap').closest('details').open = true")
    page.until(DRAWN)


def point_at(page: Browser, across: float, down: float) -> str:
    """What is read with the pointer at a place, in shares of the map."""
    page.run("document.querySelector('.flat').scrollIntoView()")
    box = page.run("{ const at = document.querySelector('.flat').getBoundingClientRect(); [at.x, at.y, at.width] }")
    for step in (0, 1):
        where = {"x": box[0] + across * box[2] + step, "y": box[1] + down * box[2]}
        page.call("Input.dispatchMouseEvent", type="mouseMoved", **where)
    return page.until("[...document.querySelectorAll('.hovertext')].map((one) => one.textContent).join()")


def test_map_is_drawn_when_it_is_opened_and_tells_sides_apart(page):
    page.resize(1400)
    assert not page.run(DRAWN)
    unfold(page)
    assert point_at(page, 0.2, 0.33).startswith("Crus I, left")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    page.until("document.querySelectorAll('.hovertext').length === 0")
    assert point_at(page, 0.8, 0.33).startswith("Crus I, right")


def test_another_measure_gives_other_colours(page):
    unfold(page)
    assert page.run(f"window.before = {FILLS}; window.before.length") == 20
    page.run(
        "{ const one = document.querySelector('.flatmap select'); one.selectedIndex = one.options.length - 1;"
        " one.dispatchEvent(new Event('change')); }"
    )
    page.until(f"{FILLS}.every((fill, k) => fill !== window.before[k])")
    assert "larger" in page.run("document.querySelector('.flat').textContent")


@pytest.mark.parametrize("width", [400, 1400])
def test_map_has_words_for_readers_and_fits(page, width):
    page.resize(width)
    unfold(page)
    assert page.run("document.querySelector('.flat').getBoundingClientRect().right <= innerWidth")
    assert page.until("document.querySelector('.flat .main-svg').getBoundingClientRect().right <= innerWidth")
    told = "document.querySelector('.flat').getAttribute('aria-label')"
    assert "has the same numbers" in page.run(told)
    assert page.run("document.querySelector('.flatmap select').labels[0].textContent").startswith("Colours")
    assert page.run("document.querySelectorAll('.flat a, .modebar-btn').length") == 0
