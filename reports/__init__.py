"""Reads run files and shows what they say; needs no torch.

import reports

frame = reports.load("results/run.jsonl")       # one row a point; columns: reports.COLUMNS
reports.findings(frame)                         # the most important things it says
reports.summarise(frame)                        # against full attention, length by length
reports.charts.scaling(frame).show()            # every chart is one function of a frame
reports.write_page(reports.read_runs("results/run.jsonl"), "page.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports import charts
    from reports.export import to_csv, to_markdown, write_parquet, write_text
    from reports.frame import COLUMNS, flat, load, to_frame
    from reports.images import NoImages, write_images
    from reports.models.findings import Finding, findings
    from reports.page.page import write_page
    from reports.runfile import Run, RunFileError, read_run, read_runs
    from reports.runwriter import RunWriter
    from reports.settings import split
    from reports.summary import failures, summarise
    from reports.tables import rich_tables

_HOMES = {
    "to_csv": "export",
    "to_markdown": "export",
    "write_parquet": "export",
    "write_text": "export",
    "COLUMNS": "frame",
    "flat": "frame",
    "load": "frame",
    "to_frame": "frame",
    "NoImages": "images",
    "write_images": "images",
    "Finding": "models.findings",
    "findings": "models.findings",
    "write_page": "page.page",
    "Run": "runfile",
    "RunFileError": "runfile",
    "RunWriter": "runwriter",
    "read_run": "runfile",
    "read_runs": "runfile",
    "split": "settings",
    "failures": "summary",
    "summarise": "summary",
    "rich_tables": "tables",
}

__all__ = [
    "COLUMNS",
    "Finding",
    "NoImages",
    "Run",
    "RunFileError",
    "RunWriter",
    "charts",
    "failures",
    "findings",
    "flat",
    "load",
    "read_run",
    "read_runs",
    "rich_tables",
    "split",
    "summarise",
    "to_csv",
    "to_frame",
    "to_markdown",
    "write_images",
    "write_page",
    "write_parquet",
    "write_text",
]


def __getattr__(name: str) -> Any:
    # Every measuring process imports reports.schema; it must not pay for pandas and Plotly.
    if name == "charts":
        return import_module("reports.charts")
    if name in _HOMES:
        return getattr(import_module(f"reports.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'reports' has no attribute {name!r}")
