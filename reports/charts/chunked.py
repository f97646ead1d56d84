"""One label of one setting over its chunk sizes: the rows, and the law and optimum behind them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from reports import settings
from reports.charts.hover import hovers
from reports.charts.series import drawn_columns, numbered
from reports.models.chunk_law import ChunkLaw, chunk_law
from reports.models.growth import Unfit
from reports.models.optimum import Optimum, optima


@dataclass(frozen=True)
class Chunked:
    """What the figures of one label's chunk sizes show."""

    name: str
    """The label, and what sets its setting apart; escaped."""
    rows: pd.DataFrame
    """One a length and chunk size."""
    texts: pd.Series
    """`hover.hovers` of at least these rows."""
    law: ChunkLaw | Unfit
    optima: list[Optimum]
    """Of the lengths that the law was fitted to; none without a law."""


def chunked(frame: pd.DataFrame, label: str) -> Chunked:
    """The rows of one label, and the law fitted to them.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        label: one of its labels that has chunk sizes.

    Raises:
        ValueError: the frame holds more than one setting, or no chunk size of this label.
    """
    frame = numbered(frame)
    settings.require_one(frame)
    rows = frame[(frame["label"] == label) & frame["chunk_size"].notna()]
    if rows.empty:
        raise ValueError(f"no row of {label!r} has a chunk size, so there is none to compare")
    return of_rows(rows, escape(label, quote=False), hovers(rows))


def of_rows(rows: pd.DataFrame, name: str, texts: pd.Series) -> Chunked:
    """The same of rows that are known to be of one label and setting, with chunk sizes."""
    # Two devices of one model may both have measured a point: the faster counts.
    latency = rows["latency_ms"].where(rows["status"] == "ok")
    rows = drawn_columns(rows).loc[latency.sort_values(kind="stable").index]
    rows = rows.drop_duplicates(["seq_len", "chunk_size"]).sort_values(["seq_len", "chunk_size"])
    law = chunk_law(rows)
    return Chunked(name, rows, texts, law, [] if isinstance(law, Unfit) else optima(rows, law))
