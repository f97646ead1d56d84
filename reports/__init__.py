"""Reads run files and shows what they say; needs no torch.

import reports

frame = reports.load("results/run.jsonl")       # one row a point; columns: reports.COLUMNS
reports.summarise(frame)                        # against full attention, length by length
for setting in reports.split(frame):            # rows that may share a chart
    reports.charts.latency(setting.frame).show()
reports.write_page(reports.read_runs("results/run.jsonl"), "page.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports import charts
    from reports.frame import COLUMNS, load, to_frame
    from reports.page.page import write_page
    from reports.runfile import Run, RunFileError, RunWriter, read_run, read_runs
    from reports.settings import split
    from reports.summary import failures, summarise
    from reports.tables import markdown, rich_tables

_HOMES = {
    "COLUMNS": "frame",
    "load": "frame",
    "to_frame": "frame",
    "write_page": "page.page",
    "Run": "runfile",
    "RunFileError": "runfile",
    "RunWriter": "runfile",
    "read_run": "runfile",
    "read_runs": "runfile",
    "split": "settings",
    "failures": "summary",
    "summarise": "summary",
    "markdown": "tables",
    "rich_tables": "tables",
}

__all__ = [
    "COLUMNS",
    "Run",
    "RunFileError",
    "RunWriter",
    "charts",
    "failures",
    "load",
    "markdown",
    "read_run",
    "read_runs",
    "rich_tables",
    "split",
    "summarise",
    "to_frame",
    "write_page",
]


def __getattr__(name: str) -> Any:
    # Every measuring process imports reports.schema; it must not pay for pandas and Plotly.
    if name == "charts":
        return import_module("reports.charts")
    if name in _HOMES:
        return getattr(import_module(f"reports.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'reports' has no attribute {name!r}")
