"""A history in the terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.table import Table

from reports.history.series import Series
from reports.history.tables import run_table, runs_table, series_table
from reports.schema import Status


def text(table: Table, width: int = 120) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_runs_are_listed_with_commit_device_and_torch(shifted: Series) -> None:
    lines = text(runs_table(shifted.runs[:2]))
    assert lines[-1].split() == (
        ["2025-03-05", "05:06", "0000001", "Example", "CPU", "9000", "2.13.0+cpu", "run-1"]
    )


def test_a_series_is_a_row_with_its_last_shift(shifted: Series) -> None:
    row = text(series_table([shifted]))[-1]
    assert row.split()[:5] == ["hatrick", "n=64", "T=8k,", "forward", "20"]
    assert "latency +10% !" in row
    assert row.endswith("0000009 → 0000010")


def test_a_short_series_and_one_that_did_not_shift_say_so(build, record) -> None:
    runs = [{"records": [record(), record("full")]}] + [{"records": [record()]}] * 9
    short, steady = text(series_table(build(runs)))[-2:]
    assert "too few runs" in short
    assert "–" in steady
    assert "too few" not in steady


def test_runs_show_figures_shifts_and_what_else_changed(shifted: Series) -> None:
    lines = text(run_table(shifted), width=160)
    (at,) = [line for line in lines if "0000010" in line]
    assert "1.10 ms" in at
    assert "8.00 KiB" in at
    assert "latency +10%; workspace +100%; torch 2.13.0+cpu → 2.14.0+cpu" in at
    assert len([line for line in lines if line.startswith("2025-")]) == 20


def test_of_a_long_series_the_middle_is_left_out_and_counted(build) -> None:
    (one,) = build([{"workspace": 4096 if i < 12 else 8192} for i in range(40)])
    lines = text(run_table(one))
    assert [line for line in lines if line.startswith("…")] == ["… 10 runs", "… 7 runs"]


def test_a_run_without_a_latency_says_how_its_point_ended(build) -> None:
    (one,) = build([{}, {"status": Status.OUT_OF_MEMORY, "reason": "9 GiB"}])
    assert "out of memory" in text(run_table(one))[-1]
