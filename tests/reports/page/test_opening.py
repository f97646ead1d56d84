import html
import re

from reports.frame import to_frame
from reports.page import opening
from reports.schema import Status


def of(runs, page=""):
    return opening.opening(to_frame(runs), runs, page)


def test_what_was_measured_where(run, sweep, record):
    runs = [run([*sweep(lengths=(256,)), record("mine")])]
    assert opening.title(to_frame(runs), runs) == (
        "HATrick, full, sliding-window, LSH and mine attention on Example CPU 9000"
    )
    assert opening.title(to_frame([run([])]), []) == "No attention on no device"


def test_when_with_what_and_how_much_of_it_gave_figures(everything):
    text = of(everything)
    assert "04 March 2025 05:06 UTC · torch 2.13.0+cpu" in text
    found = (
        "1 wrong answer, 3 crashed, 1 throttled, 1 out of memory, 1 out of memory (predicted), "
        "1 left out"
    )
    assert f'115 of 123 points gave a valid latency; <a href="#failures">{found}</a>.' in text


def test_three_findings_lead_to_their_charts(everything):
    links = re.findall(r'<li>.+? <a href="([^"]+)"[^>]*>Show it</a></li>', of(everything))
    assert len(links) == 3
    for link in map(html.unescape, links):
        assert re.fullmatch(r"#variant=[^&]+(&\w+=[^&]*)*&at=[a-z]+", link)


def test_every_link_has_a_name_of_its_own_that_starts_as_it_reads(everything):
    text = of(everything)
    names = re.findall(r'<a href="[^"]+" aria-label="([^"]+)">Show it</a>', text)
    starts = re.findall(r"<li>(.{20})", text)
    assert len(set(names)) == len(names) == 3
    for number, (name, start) in enumerate(zip(names, starts, strict=True), 1):
        assert name.startswith(f"Show it: finding {number}, {start}")
        assert len(name) < 110


def test_links_of_an_index_lead_to_the_page(everything):
    assert '<a href="run-a.html#variant=' in of(everything, "run-a.html")
    assert '<a href="run-a.html#failures">' in of(everything, "run-a.html")


def test_an_empty_run_is_said_to_be(run):
    text = of([run([])])
    assert "<p>No point was measured.</p>" in text
    assert "0 of 0 points gave a valid latency." in text
    assert "href" not in text


def test_with_failures_alone_that_is_the_finding(run, record):
    made = [record(name, status=Status.CRASHED) for name in ("full", "lsh")]
    assert "2 crashed" in of([run(made)])
    assert "at=failures" in of([run(made)])


def test_an_unfit_machine_is_said(run, record, noise):
    text = of([run([record()], noise=noise(spread=0.3, fit=False))])
    assert '<p class="bad">The selftest of 2026-01-02 found Example CPU 9000' in text


def test_a_harmful_name_is_escaped(run, record, harmful):
    text = of([run([record(harmful, T) for T in (256, 512)])])
    assert "<script" not in text
    assert "<img" not in text
