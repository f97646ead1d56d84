"""What a point says when it is pointed at: which point it is, and all its figures."""

from __future__ import annotations

from html import escape

import pandas as pd

from reports import settings, units
from reports.cautions import cautions
from reports.statuses import outcome


def hover(row: pd.Series) -> str:
    """A point of a frame of `reports.load` in full, lines joined by `<br>`, text escaped."""
    chunk = "" if pd.isna(row["chunk_size"]) else f", chunk {row['chunk_size']}"
    backend = row["backend_used"] + (" (auto)" if row["backend"] == "auto" else "")
    ways = settings.describe(row, settings.unusual(row))
    lines = [
        f"<b>{escape(row['label'])}</b>, T = {units.tokens(row['seq_len'])}{chunk}",
        escape(settings.describe(row, ["direction", "scope", "dtype", "causal"])),
        escape(settings.describe(row, ["batch", "dim", "heads", "seed", "device_name"])),
        f"backend {escape(backend)} on {escape(row['device'])}" + (f", {ways}" if ways else ""),
    ]
    if pd.notna(row["latency_ms"]):
        figures = (row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"])
        has_interval = not any(map(pd.isna, figures))
        meaning = "95% interval" if has_interval else "too few samples for an interval"
        lines += [f"latency {units.measured(*figures)}"]
        visits = len(row["visits"])
        turns = f"{visits} visits" if visits > 1 else "1 visit"
        lines += [f"median of {row['samples']} samples in {turns}, {meaning}"]
        lines += [f"<b>{escape(caution)}</b>" for caution in cautions(row)]
    if pd.notna(row["workspace_bytes"]):
        lines += [f"workspace {units.size(row['workspace_bytes'])}"]
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
    if row["status"] != "ok":
        words = outcome(row["status"], row["predicted"])
        lines += [f"<b>{words}</b>: {escape(row['reason'][:160])}"]
    return "<br>".join(lines)
