import html
import json
import re
import shutil
import subprocess

import pytest
from plotly.offline import get_plotlyjs

from reports.page.page import write_page
from reports.schema import Status

HARMFUL = '</script><script>window.harm=1</script><img src=x onerror="window.harm=1">'


@pytest.fixture(scope="module")
def page(run, sweep, record, tmp_path_factory):
    """A page with everything on it: two settings, failures, a wrong answer, damage, bad names."""
    records = [
        *sweep(),
        *sweep(direction="forward+backward", causal=True),
        record("mine " + HARMFUL, 512, interval=False, oracle="self", distance=None),
        record("full", 128, status=Status.CRASHED, reason=f"RuntimeError: {HARMFUL}"),
        record("lsh", 256, chunk_size=16, status=Status.DISAGREES, oracle_error=0.3),
        record("hatrick", 256, chunk_size=16, status=Status.THROTTLED),
        record("hatrick", 16384, status=Status.LEFT_OUT, predicted=True, reason="no room for it"),
        record("full", 16384, status=Status.OUT_OF_MEMORY, predicted=True, reason="needs 9 GiB"),
    ]
    path = tmp_path_factory.mktemp("page") / "deep" / "page.html"
    return write_page([run(records, damaged=[f"run-a.jsonl, line 7: {HARMFUL}"])], path)


@pytest.fixture(scope="module")
def text(page):
    """The page without Plotly's own source."""
    return page.read_text("utf-8").replace(get_plotlyjs(), "")


def test_plotly_is_inlined_once(page):
    assert page.read_text("utf-8").count(get_plotlyjs()) == 1


def test_nothing_is_asked_for_from_elsewhere(page):
    whole = page.read_text("utf-8")
    assert not re.search(r"<(?:script|img|iframe|source)[^>]+\bsrc=[\"']?http", whole)
    assert "<link" not in whole.split("<script>")[0]
    assert "default-src 'none'" in whole


def test_title_and_opening_say_what_was_measured_where(text):
    title = html.unescape(re.search(r"<h1>(.*?)</h1>", text)[1])
    assert title.startswith("HATrick, full, sliding-window, LSH and mine")
    assert title.endswith("attention on Example CPU 9000")
    assert f"<title>{html.escape(title)}</title>" in text
    found = (
        "1 wrong answer, 3 crashed, 1 throttled, 2 out of memory, 1 out of memory (predicted), "
        "1 left out"
    )
    counts = f'<a href="#failures">{found}</a>'
    assert f"153 of 162 points gave a valid latency; {counts}" in text
    assert "04 March 2025 05:06 UTC" in text
    assert "At T = 8k, the longest, sliding_window (chunk 32) took 2.20 ms" in text
    assert "At T = 16k, the longest, nothing was measured." in text


def test_all_parts_are_there(text):
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [
        "forward, not causal",
        "forward+backward, causal",
        "Points without a valid latency",
        "Lines that could not be read",
        "How to read the numbers",
        "Environment",
    ]
    assert "hatrick sweep --preset quick" in text
    assert "tried to allocate 4.00 GiB" in text


def test_text_from_outside_is_harmless(text):
    assert "window.harm=1</script>" not in text
    assert "<img" not in text
    assert html.escape(HARMFUL) in text


def test_what_was_left_out_is_quiet_and_a_failure_is_not(text):
    rows = re.findall(r'<tr(?: class="([^"]*)")?>(?=<td)(.*?)</tr>', text)
    states = {"left out": set(), "crashed": set(), "out of memory (predicted)": set()}
    for state, cells in rows:
        for words in states.keys() & set(re.findall(r"<td[^>]*>([^<]*)</td>", cells)[3:]):
            states[words] |= set(state.split()) - {"first"}
    assert states == {
        "left out": {"quiet"},
        "crashed": {"failed"},
        "out of memory (predicted)": {"failed"},
    }


def test_a_missed_target_and_an_unfit_machine_are_said(run, record, noise, tmp_path):
    made = [record("full", spread=0.034, latency={"target": 0.01, "stopped_by": "time"})]
    unfit = noise(spread=0.3, fit=False)
    text = write_page([run(made, noise=unfit)], tmp_path / "page.html").read_text("utf-8")
    assert "±3.4%, target 1%: time used up</td>" in text
    assert '<p class="cautions">1 of 1 point missed the target of 1%: ±3.4% at worst.</p>' in text
    assert '<p class="bad">The selftest of 2026-01-02 found Example CPU 9000' in text


def test_a_run_without_failures_has_no_such_sections(run, record, tmp_path):
    path = write_page([run([record("hatrick"), record("full")])], tmp_path / "page.html")
    headings = re.findall(r"<h2>(.*?)</h2>", path.read_text("utf-8"))
    assert headings[1:] == ["How to read the numbers", "Environment"]


def test_an_empty_run_still_has_a_page(run, tmp_path):
    text = write_page([run([])], tmp_path / "page.html").read_text("utf-8")
    assert "This run holds no point yet." in text
    assert "0 of 0 points" in text


def test_two_runs_have_an_environment_each(run, record, tmp_path):
    runs = [run([record()], name="monday"), run([record()], name="friday")]
    text = write_page(runs, tmp_path / "page.html").read_text("utf-8")
    assert text.count("<h2>Environment</h2>") == 2
    assert "<h2>run monday</h2>" in text


def test_how_to_read_says_what_samples_are(text):
    assert "Single calls, at least 20" in text
    assert "in every round each is visited once" in text
    assert '<th scope="col" class="number">samples</th>' in text


def test_no_run_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="at least one run"):
        write_page([], tmp_path / "page.html")


# Headless windows have a least width, so the page is looked at inside a frame of the width wanted.
OUTER = """<!doctype html><iframe src="page.html" style="border:0;width:{width}px;height:9000px">
</iframe><pre id="seen"></pre><script>
const seen = document.getElementById("seen");
addEventListener("message", (event) => {{ seen.textContent = event.data; }});
</script>"""

WATCH = """<script>
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));
addEventListener("load", () => setTimeout(() => {
  const plots = [...document.querySelectorAll(".plot")];
  const width = (element) => element.getBoundingClientRect().width;
  const spills = (plot) => width(plot.querySelector(".main-svg")) > width(plot) + 1;
  parent.postMessage(JSON.stringify({
    errors,
    harm: window.harm ?? null,
    requests: performance.getEntriesByType("resource").length,
    plots: plots.length,
    drawn: plots.filter((plot) => plot.querySelector(".main-svg .subplot")).length,
    spilling: plots.filter(spills).length,
    page: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
    ink: getComputedStyle(document.querySelector(".xtick text")).fill,
    ground: getComputedStyle(document.body).backgroundColor,
  }), "*");
}, 1500));
</script>"""


def look(page, tmp_path, width, *flags):
    """What a browser made of the page in a window of this width."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine")
    whole = page.read_text("utf-8")
    (tmp_path / "page.html").write_text(whole.replace("<head>", "<head>" + WATCH, 1), "utf-8")
    (tmp_path / "outer.html").write_text(OUTER.format(width=width), "utf-8")
    (tmp_path / "profile").mkdir()
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", *flags),
            *("--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom"),
            (tmp_path / "outer.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seen = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout, flags=re.S)
    assert seen, f"the page sent nothing; {done.stderr[-2000:]}"
    return json.loads(html.unescape(seen[1]))


@pytest.mark.parametrize("width", [1280, 360])
def test_a_browser_draws_all_charts_without_error_or_overflow(page, tmp_path, width):
    seen = look(page, tmp_path, width)
    assert seen["errors"] == []
    assert seen["harm"] is None
    assert seen["requests"] == 0
    assert seen["drawn"] == seen["plots"] == 12
    assert seen["spilling"] == 0
    assert seen["window"] <= width
    assert seen["page"] == seen["window"]


@pytest.mark.parametrize(
    ("scheme", "ground_is_dark"), [("0", True), ("1", False)], ids=["dark", "light"]
)
def test_charts_follow_the_theme(page, tmp_path, scheme, ground_is_dark):
    seen = look(page, tmp_path, 1280, f"--blink-settings=preferredColorScheme={scheme}")
    ink, ground = (sum(map(int, re.findall(r"\d+", seen[part])[:3])) for part in ("ink", "ground"))
    assert (ground < ink) is ground_is_dark
    assert abs(ground - ink) > 300
