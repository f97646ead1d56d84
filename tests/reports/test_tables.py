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
    assert row["latency (95% interval)"] == "1.00 ms"
    assert row["oracle"] == "pass (self)"


def test_a_failure_shows_its_status_and_nothing_else(run, record):
    (row,) = cells_of(run, record("full", status=Status.OUT_OF_MEMORY))
    assert [text for text in row.values() if text] == ["256", "full", "–", "out of memory"]


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


def test_at_80_columns_every_number_and_header_is_whole(run, record):
    made = [record(name, T, **more) for T in (256, 100_000) for name, more in WIDE]
    frame = to_frame([run(made)])
    text = printed(frame, 80)
    assert max(map(len, text.splitlines())) <= 80
    words = set(text.replace(",", " ").split())
    for row in tables.cells(summarise(frame)):
        shown = dict(zip(tables.HEADERS, row, strict=True))
        numbers = [shown[h] for h in ("T", "chunk", "latency (95% interval)", "workspace")]
        for number in [*numbers, shown["distance"]]:
            assert set(number.replace(",", " ").split()) - {"–", "out", "of", "memory"} <= words
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
