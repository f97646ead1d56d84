"""The trend page, and what a browser makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.history.page import write_trend
from reports.schema import Status

HARMFUL = '</script><img src=x onerror="window.harm=1">'
DRAWN = "html[data-drawn='all']"
WAIT_MS = 120_000


@pytest.fixture(scope="module")
def path(build, record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two series, one of which shifted, both with failures and bad names."""
    runs = []
    for i in range(24):
        T = 8192
        shifted = record(
            seq_len=T,
            median_ms=(1.0 if i < 12 else 1.2) * (1 + 0.002 * (i % 3)),
            workspace=4 * T if i < 18 else 5 * T,
        )
        failed = record("mine " + HARMFUL, status=Status.CRASHED, reason=HARMFUL)
        packages = {"torch": "2.13.0" if i < 12 else "2.14.0" + HARMFUL}
        broken = record("full", status=Status.CRASHED) if i == 5 else record("full")
        runs.append({"records": [shifted, failed, broken], "environment": {"packages": packages}})
    return write_trend(build(runs), tmp_path_factory.mktemp("page") / "deep" / "trend.html")


def test_the_page_says_the_last_shift_and_what_else_changed(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "24 runs of 24 commits" in text
    assert "3 series, 2 of them with a shift" in text
    assert "The last shift: workspace of hatrick n=64 T=8k, forward rose from 32.0 KiB to" in text
    assert "status of full T=256, forward went from ok to crashed between" in text
    assert "with torch 2.13.0 → 2.14.0" in text


def test_nothing_is_asked_for_and_nothing_a_run_says_is_markup(path: Path) -> None:
    text = path.read_text("utf-8")
    assert HARMFUL not in text
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)


def test_a_page_of_no_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one series"):
        write_trend([], tmp_path / "trend.html")


@pytest.fixture(scope="module")
def opened(browser, path: Path) -> Iterator:
    """The page in a browser, drawn; `opened.said` is what went wrong there."""
    page = browser.new_page(color_scheme="light")
    page.said = []
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("console", lambda message: page.said.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_selector(DRAWN, state="attached", timeout=WAIT_MS)
    yield page
    page.close()


def test_a_browser_draws_the_series_that_shifted_last(opened) -> None:
    assert opened.said == []
    assert opened.evaluate("window.harm") is None
    assert opened.inner_text("#chosen") == "hatrick n=64 T=8k, forward"
    assert opened.locator("#chosen-shifts li").count() == 2
    drawn = opened.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => [p.data[0].y.length, "
        "p.layout.annotations.map(a => a.text)])"
    )
    assert [length for length, _ in drawn] == [24] * 4
    assert "<b>+20%</b>" in drawn[0][1]
    assert any(words.startswith("torch 2.13.0 → 2.14.0") for words in drawn[0][1])
    assert drawn[1][1] == ["<b>+25%</b>"]


@pytest.mark.parametrize("width", [360, 1280])
def test_no_screen_scrolls_sideways(opened, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_charts_follow_the_theme(opened) -> None:
    def redrawn(scheme: str) -> str:
        opened.emulate_media(color_scheme=scheme)
        opened.wait_for_selector(DRAWN, state="attached", timeout=WAIT_MS)
        return opened.evaluate("document.querySelector('.plot')._fullLayout.font.color")

    assert redrawn("light") == redrawn("light") != redrawn("dark")


def test_a_click_on_a_series_shows_it_and_its_address_names_it(opened, path: Path) -> None:
    opened.locator("#series-table a", has_text="mine").click()
    opened.locator("#chosen", has_text="mine").wait_for(timeout=WAIT_MS)
    assert "no verdict on noisy figures: 0 runs" in opened.inner_text("#chosen-shifts")
    opened.wait_for_selector(DRAWN, state="attached", timeout=WAIT_MS)
    texts = opened.evaluate("document.querySelector('.plot').layout.annotations.map(a => a.text)")
    assert texts == ["No run has this figure."]
    key = opened.evaluate("document.getElementById('series').value")
    assert opened.url == f"{path.as_uri()}#series={key}"
    opened.reload()
    opened.wait_for_selector(DRAWN, state="attached", timeout=WAIT_MS)
    assert opened.inner_text("#chosen").startswith("mine")
    assert opened.said == []


def test_a_run_that_failed_is_a_cross_that_says_how_it_ended(opened) -> None:
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.locator("#series-table a", has_text="full").click()
    opened.locator("#chosen", has_text="full").wait_for(timeout=WAIT_MS)
    opened.wait_for_selector(DRAWN, state="attached", timeout=WAIT_MS)
    assert "went from ok to crashed" in opened.inner_text("#chosen-shifts")
    first = opened.locator(".plot").first
    first.scroll_into_view_if_needed()
    marks = opened.evaluate("document.querySelector('.plot').layout.annotations.map(a => a.text)")
    assert {"<b>ok → crashed</b>", "<b>crashed → ok</b>"} <= set(marks)
    assert first.locator(".overplot .xy2 .point").count() == 1
    box = first.locator(".overplot .xy2 .point").bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    first.locator(".hoverlayer .hovertext", has_text="crashed").wait_for(timeout=10_000)
