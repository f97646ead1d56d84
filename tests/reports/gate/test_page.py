import base64
import gzip
import html
import json
import re

import pytest

from reports.gate.page import write_gate_page

HARMFUL = "</script><script>window.harm=1</script>"


def runs_of(run, record):
    return [
        run(
            [
                record(v, T, median_ms=T / 1000 * k)
                for v in ("hatrick", "full")
                for T in (256, 1024)
            ],
            name=name,
        )
        for name, k in (("base", 1.0), ("head", 1.12))
    ]


@pytest.fixture(scope="module")
def path(everything, run, record, judged, result, tmp_path_factory):
    points = [*everything.points, judged(HARMFUL, head=None)]
    made = everything.model_copy(update={"points": points, "command": HARMFUL})
    return write_gate_page(made, runs_of(run, record), tmp_path_factory.mktemp("gate") / "p.html")


@pytest.fixture(scope="module")
def text(path):
    return path.read_text("utf-8")


def carried(text):
    packed = re.search(r'id="data">([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_verdict_comes_first_then_the_gate_then_the_runs(text):
    assert "<h1>Gate: working tree against main</h1>" in text
    verdict = text.index('<strong class="bad">FAILED</strong>: hatrick n=64, T=1k, forward')
    sections = re.findall(r'<section id="([\w-]+)"', text)
    assert verdict < text.index("<section")
    assert sections[:5] == ["gate-points", "gate-exact", "gate-judged", "findings", "scaling"]
    assert re.findall(r'href="#([\w-]+)"', text.split("</nav>")[0]) == sections
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_every_point_and_every_exact_figure_that_changed_is_in_a_table(text, everything):
    points = text.split('<section id="gate-points">')[1].split("</section>")[0]
    for point in everything.points:
        assert f"<td>{html.escape(point.name)}</td>" in points
    exact = text.split('<section id="gate-exact">')[1].split("</section>")[0]
    assert '<td class="number">268,435,456</td><td class="number">301,989,888</td>' in exact
    assert exact.count('class="failed"') + exact.count('class="first failed"') == 8


def test_the_forest_is_a_chart_of_the_page(text):
    assert 'data-figure="ratios"' in text
    names = [trace.get("name") for trace in carried(text)["figures"]["ratios"]["traces"]]
    assert names == ["slower", "unsure", "faster", "same", "no change"]


def test_base_and_head_are_told_apart_in_legend_and_hover(text):
    data = carried(text)
    names = {trace["name"] for trace in data["figures"]["scaling"]["traces"] if "name" in trace}
    assert {"hatrick, run base", "hatrick, run head"} <= names
    assert {hover.split("<br>")[-1] for hover in data["hover"]} == {"run base", "run head"}


def test_nothing_is_asked_for_from_elsewhere_and_names_are_harmless(text):
    assert "default-src 'none'" in text
    assert not re.search(r"<(?:script|img|iframe|source)[^>]+\bsrc=", text)
    assert "window.harm=1</script>" not in text.replace(html.escape(HARMFUL), "")
    assert html.escape(HARMFUL) in text


def test_without_runs_the_page_has_its_tables_alone(result, judged, tmp_path):
    points = [judged("hatrick, T=1k", untimed="--exact takes no timings")]
    page = write_gate_page(result(points, noise=None), [], tmp_path / "deep" / "p.html")
    text = page.read_text("utf-8")
    assert '<strong class="good">PASSED</strong>: no exact figure got worse.' in text
    assert re.findall(r'<section id="([\w-]+)"', text) == [
        "gate-points",
        "gate-judged",
        "how-to-read",
    ]
    assert "data-figure=" not in text


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_draws_every_row_and_no_screen_scrolls_sideways(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn='all']", state="attached", timeout=120_000)
    assert errors == []
    assert requests == [path.as_uri()]
    assert page.locator("[data-figure=ratios] .annotation").count() == 7
    assert page.locator("[data-figure=ratios] .errorbar").count() == 7
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("window.harm") is None
    page.close()
