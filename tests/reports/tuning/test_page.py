from __future__ import annotations

import base64
import gzip
import json
import re
from html import escape

import pytest

from reports.tuning.decision import decisions
from reports.tuning.page import write_tuning_page
from reports.tuning.words import sentence

HARMFUL = "</script><script>window.harm=1</script>"


@pytest.fixture(scope="module")
def tuning(tuned, by_law, race, contender):
    made = tuned(by_law((1024, 4096)), command=HARMFUL)
    last = made.races[1]
    lost = contender(1024, outcome="excluded", reason=HARMFUL, miss=0.5)
    made.races[1] = race([*last.contenders, lost], 4096, heats=last.heats)
    return made


@pytest.fixture(scope="module")
def path(tuning, tmp_path_factory):
    return write_tuning_page(tuning, tmp_path_factory.mktemp("tune") / "deep" / "p.html")


@pytest.fixture(scope="module")
def text(path):
    return path.read_text("utf-8")


def test_the_answer_comes_first_then_each_length_then_the_run(text, tuning):
    assert "<h1>Chunk size for Example CPU 9000</h1>" in text
    for decision in decisions(tuning):
        assert text.index(escape(sentence(decision))) < text.index("<section")
    sections = re.findall(r'<section id="([\w-]+)"', text)
    assert sections[:3] == ["tuned-1024", "tuned-4096", "findings"]
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_every_length_has_its_table_and_its_charts(text):
    part = text.split('<section id="tuned-4096">')[1].split("</section>")[0]
    assert re.findall(r'data-figure="([\w-]+)"', part) == ["latency-4096", "trade-4096"]
    for n in (16, 32, 64, 96, 128, 256, 512, 1024):
        assert f'<td class="number">{n}</td>' in part
    packed = re.search(r'id="data">([^<]*)<', text)[1]
    figures = json.loads(gzip.decompress(base64.b64decode(packed)))["figures"]
    assert {"latency-1024", "trade-1024", "latency-4096", "trade-4096"} <= set(figures)


def test_nothing_is_asked_for_from_elsewhere_and_reasons_are_harmless(text):
    assert "default-src 'none'" in text
    assert not re.search(r"<(?:script|img|iframe|source)[^>]+\bsrc=", text)
    assert "window.harm=1</script>" not in text.replace(escape(HARMFUL), "")


def test_commands_in_a_refusal_are_code_and_a_run_without_points_has_tables(
    tuned, by_law, tmp_path
):
    run = tuned(by_law())
    run.records.clear()
    run.races[:] = [race.model_copy(update={"heats": []}) for race in run.races]
    text = write_tuning_page(run, tmp_path / "p.html").read_text("utf-8")
    assert "run <code>hatrick tune</code> again." in text
    assert "data-figure=" not in text
    assert '<td class="number">256</td>' in text


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_draws_every_chart_and_no_screen_scrolls_sideways(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn='all']", state="attached", timeout=120_000)
    assert errors == []
    assert requests == [path.as_uri()]
    assert page.locator("[data-figure=latency-4096] .errorbar").count() == 7
    assert page.locator("[data-figure=trade-4096] .textpoint").count() == 7
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("window.harm") is None
    page.close()
