import re
from io import StringIO

import pytest
from rich.console import Console

from reports import tables
from reports.frame import to_frame
from reports.schema import Status
from reports.summary import summarise


def printed(frame, width=100):
    out = StringIO()
    Console(file=out, width=width).print(tables.rich_tables(frame))
    return out.getvalue()


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep())])


def cells_of(run, *records):
    found = tables.cells(summarise(to_frame([run(records)])))
    return [dict(zip(tables.HEADERS, row, strict=True)) for row in found]


def test_cells_carry_numbers_with_units(run, record):
    own, full = cells_of(
        run,
        record("full", 4096, median_ms=20.0, workspace=6 * 2**20, distance=2e-7),
        record("hatrick", 4096, median_ms=10.0, workspace=2 * 2**20, distance=0.41),
    )
    assert own == {
        "T": "4k",
        "attention": "hatrick",
        "chunk": "64",
        "latency (95% interval)": "10.0 ms (9.80–10.2)",
        "samples": "3",
        "against full": "2.00× faster",
        "workspace": "2.00 MiB",
        "workspace against full": "3.00× less",
        "distance": "0.410",
        "cosine": "0.900",
        "oracle": "pass",
        "oracle error": "1.0e-07",
        "backend": "sdpa",
        "cautions": "",
    }
    assert full["against full"] == full["workspace against full"] == ""
    assert (full["chunk"], full["distance"]) == ("–", "2.0e-07")


def test_more_and_the_same_workspace(run, record):
    found = cells_of(
        run,
        record("full", workspace=1000),
        record("lsh", workspace=1500),
        record("sliding_window", workspace=1001),
    )
    words = {row["attention"]: row["workspace against full"] for row in found}
    assert words == {"full": "", "lsh": "1.50× more", "sliding_window": "same"}


def test_missing_figures_are_blank_and_a_check_against_itself_is_said(run, record):
    (row,) = cells_of(run, record("mine", distance=None, interval=False, oracle="self"))
    assert row["distance"] == row["cosine"] == ""
    assert row["latency (95% interval)"] == "1.00 ms\nno interval, target 2%"
    assert row["oracle"] == "pass (self)"


def test_a_failure_shows_its_status_and_nothing_else(run, record):
    (row,) = cells_of(run, record("full", status=Status.OUT_OF_MEMORY))
    assert [text for text in row.values() if text] == ["256", "full", "–", "out of memory"]


def test_what_was_foreseen_or_left_out_says_so(run, record):
    made = [
        record("full", status=Status.OUT_OF_MEMORY, predicted=True),
        record("lsh", status=Status.LEFT_OUT, predicted=True),
    ]
    found = cells_of(run, *made)
    words = [row["latency (95% interval)"] for row in found]
    assert words == ["out of memory (predicted)", "left out"]


def test_a_throttled_point_shows_its_latency_without_a_comparison(run, record):
    made = [record("full"), record("hatrick", status=Status.THROTTLED, median_ms=12.3)]
    row, _ = cells_of(run, *made)
    assert row["latency (95% interval)"] == "throttled, 12.3 ms"
    assert row["against full"] == row["workspace against full"] == ""
    assert row["workspace"] == "4.00 KiB"


def test_a_missed_target_is_marked_in_the_cell_and_counted_below(run, record):
    missed = {"target": 0.01, "stopped_by": "stable"}
    made = [record("full", spread=0.034, latency=missed), record("lsh"), record("hatrick")]
    frame = to_frame([run(made)])
    row = next(row for row in cells_of(run, *made) if row["attention"] == "full")
    assert row["latency (95% interval)"] == "1.00 ms (0.966–1.03)\n±3.4%, target 1%"
    assert row["cautions"].startswith("±3.4%, target 1%: stable spread")
    sentence = "1 of 3 points missed the target of 1%: ±3.4% at worst."
    for text in (printed(frame), tables.markdown(frame)):
        assert "±3.4%, target 1%" in text
        assert sentence in " ".join(text.split())


def test_on_target_nothing_is_said(frame):
    for text in (printed(frame), tables.markdown(frame)):
        assert "target" not in text


def test_what_was_left_out_is_grey_and_a_failure_red(run, record):
    made = [record("full", status=Status.TIMEOUT), record("lsh", status=Status.LEFT_OUT)]
    console = Console(file=StringIO(), width=100, force_terminal=True, color_system="standard")
    console.print(tables.rich_tables(to_frame([run(made)])))
    lines = console.file.getvalue().splitlines()
    grey, red = "\x1b[90m", "\x1b[31m"
    assert all(grey in line and red not in line for line in lines if "left out" in line)
    assert any(red in line for line in lines if "timed out" in line)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_terminal_never_breaks_a_number(frame, width):
    text = printed(frame, width)
    assert max(map(len, text.splitlines())) <= width
    for row in tables.cells(summarise(frame)):
        shown = dict(zip(tables.HEADERS, row, strict=True))
        for header in ("latency (95% interval)", "workspace", "distance"):
            assert shown[header] in text
    assert "…" not in text


WIDE = [
    # Long names, long numbers and long lists of chunk sizes, all in one table.
    ("sliding_window", {"options": {"left": 12345}, "median_ms": 0.0123}),
    ("sliding_window", {"options": {"left": 9}, "median_ms": 1.0}),
    ("full", {"median_ms": 0.0124, "workspace": 1023 * 1024, "distance": 2e-7}),
    ("hatrick", {"median_ms": 990_000.0, "chunk_size": 512, "distance": 10.821}),
    *(
        ("lsh", {"status": Status.OUT_OF_MEMORY, "chunk_size": n})
        for n in (16, 32, 64, 128, 256, 512, 1024)
    ),
]


def turns(visits, more):
    """Six visits with the median of `more`, in none of which the target was reached."""
    found = visits(more.get("median_ms", 1.0), [1.0] * 6, noise=0.02)
    return found | {"target": 0.0111, "stopped_by": "time"}


@pytest.mark.parametrize("in_rounds", [True, False])
def test_at_80_columns_every_number_and_header_is_whole(run, record, visits, in_rounds):
    made = [
        record(name, T, **more | ({"latency": turns(visits, more)} if in_rounds else {}))
        for T in (256, 100_000)
        for name, more in WIDE
    ]
    frame = to_frame([run(made)])
    text = printed(frame, 80)
    assert max(map(len, text.splitlines())) <= 80
    words = set(text.replace(",", " ").split())
    intervals = []
    for row in tables.cells(summarise(frame)):
        shown = dict(zip(tables.HEADERS, row, strict=True))
        numbers = [shown[h] for h in ("T", "chunk", "latency (95% interval)", "workspace")]
        ratio = re.findall(r"[^\s()]*\d[^\s()]*", shown["against full"])
        # Only the page has room for the interval of an enormous ratio.
        numbers += [part for part in ratio if len(part) <= tables.RATIO_INTERVAL_WIDTH]
        intervals += [part for part in numbers[4:] if "–" in part]
        for number in [*numbers, shown["distance"]]:
            assert set(number.replace(",", " ").split()) - {"–", "out", "of", "memory"} <= words
    assert bool(intervals) is in_rounds
    headers = [*tables.HEADERS, *tables.FAILURE_HEADERS]
    terminal = {word for h in headers if h not in tables.NOT_IN_TERMINAL for word in h.split()}
    assert terminal <= words


def test_a_whole_default_sweep_is_about_a_screen_high(frame):
    assert len(printed(frame).splitlines()) < 50


def test_samples_and_cosine_are_for_the_page_alone(frame):
    head = printed(frame, 200)
    assert not {"samples", "cosine"} & set(head.split())
    assert "| samples |" in tables.markdown(frame)
    assert "| cosine |" in tables.markdown(frame)


def test_the_terminal_names_failures_and_the_oracle(frame):
    text = printed(frame, 140)
    assert "Every row with a latency passed its oracle check." in text
    assert "tried to allocate 4.00 GiB" in text


def test_a_variant_checked_only_against_itself_is_named(run, record):
    text = printed(to_frame([run([record("mine", oracle="self"), record("full")])]))
    assert "passed its oracle check (mine: only against itself)" in text


def test_markup_in_a_reason_is_only_text(run, record):
    frame = to_frame([run([record(status=Status.CRASHED, reason="[red]x[/red] a|b <b>")])])
    assert "[red]x[/red] a|b <b>" in printed(frame, 140)
    assert "\\[red\\]x\\[/red\\] a\\|b \\<b\\>" in tables.markdown(frame)


def test_markdown_rows_have_a_cell_for_every_header(frame):
    lines = [line for line in tables.markdown(frame).splitlines() if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in lines}
    assert widths == {len(tables.HEADERS) + 1, len(tables.FAILURE_HEADERS) + 1}
    summary_rows = len(summarise(frame))
    assert len(lines) == 2 + summary_rows + 2 + 2


def test_nothing_measured_says_so(run):
    empty = to_frame([run([])])
    assert "No point was measured." in printed(empty)
    assert "No point was measured." in tables.markdown(empty)
