"""What a point says when it is pointed at: which point it is, and all its figures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from reports import settings, units
from reports.cautions import cautions
from reports.charts.axes import rate
from reports.models.roofline import roofline
from reports.statuses import outcome

BULKY = ["samples_ms", "rounds", "options"]
"""Columns that no text needs, left out since copies of them take time."""


def hovers(frame: pd.DataFrame) -> pd.Series:
    """Every row of a frame of `reports.load` in full, lines joined by `<br>`, text escaped.

    Returns:
        A Series of strings with the frame's index.
    """
    roofs = roofline(frame).to_dict("index")
    records = frame.drop(columns=BULKY).to_dict("records")
    texts = [
        "<br>".join(_lines(row, roofs.get(index, {})))
        for index, row in zip(frame.index, records, strict=True)
    ]
    return pd.Series(texts, index=frame.index, dtype="object")


def _lines(row: Mapping[str, Any], roof: Mapping[str, Any]) -> list[str]:
    lines = _identity(row)
    if pd.notna(row["latency_ms"]):
        lines += _latency(row)
    if roof:
        lines += _roofline(roof)
    if pd.notna(row["workspace_bytes"]):
        lines += [f"workspace {units.size(row['workspace_bytes'])}"]
    lines += _agreement(row)
    if row["status"] != "ok":
        words = outcome(row["status"], row["predicted"])
        lines += [f"<b>{words}</b>: {escape(row['reason'][:160], quote=False)}"]
    return lines


def _identity(row: Mapping[str, Any]) -> list[str]:
    chunk = "" if pd.isna(row["chunk_size"]) else f", chunk {row['chunk_size']}"
    backend = row["backend_used"] + (" (auto)" if row["backend"] == "auto" else "")
    ways = settings.describe(row, settings.unusual(row))
    return [
        f"<b>{escape(row['label'], quote=False)}</b>, T = {units.tokens(row['seq_len'])}{chunk}",
        escape(settings.describe(row, ["direction", "scope", "dtype", "causal"]), quote=False),
        escape(
            settings.describe(row, ["batch", "dim", "heads", "seed", "device_name"]), quote=False
        ),
        f"backend {escape(backend, quote=False)} on {escape(row['device'], quote=False)}"
        + (f", {ways}" if ways else ""),
    ]


def _latency(row: Mapping[str, Any]) -> list[str]:
    figures = (row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"])
    has_interval = not any(map(pd.isna, figures))
    meaning = "95% interval" if has_interval else "too few samples for an interval"
    visits = len(row["visits"])
    turns = f"{visits} visits" if visits > 1 else "1 visit"
    return [
        f"latency {units.measured(*figures)}",
        f"median of {row['samples']} samples in {turns}, {meaning}",
        *(f"<b>{escape(caution, quote=False)}</b>" for caution in cautions(row)),
    ]


def _roofline(roof: Mapping[str, Any]) -> list[str]:
    return [
        f"{rate(roof['flops_per_s'])} at {roof['intensity']:.3g} FLOP/byte: "
        f"{units.percent(roof['share'])} of the {roof['bound']} roof"
    ]


def _agreement(row: Mapping[str, Any]) -> list[str]:
    lines = []
    if pd.notna(row["oracle_error"]):
        error, bound = (units.scientific(row[name]) for name in ("oracle_error", "oracle_bound"))
        own = ", against itself" if row["oracle"] == "self" else ""
        lines += [f"oracle error {error}, bound {bound} ({row['oracle_rows']} rows{own})"]
        worst = [units.scientific(row[f"oracle_max_{name}"]) for name in ("error", "bound")]
        lines += [f"of one element at most {worst[0]}, bound {worst[1]}"]
    if pd.notna(row["distance_to_full"]):
        lines += [f"distance to full {units.distance(row['distance_to_full'])}"]
    if pd.notna(row["cosine_to_full"]):
        lines += [f"cosine to full {units.cosine(row['cosine_to_full'])}"]
    return lines
