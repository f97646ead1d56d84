"""The summary: what every attention took at every length, beside full attention.

A chunked attention is shown with its fastest chunk size. Points that gave no figure are rows too.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from reports import settings, units
from reports.compare import compare, fastest, reference_at
from reports.palette import styles
from reports.schema import Status

STATUS_WORDS = {
    Status.OK: "ok",
    Status.DISAGREES: "wrong answer",
    Status.UNSUPPORTED: "unsupported",
    Status.OUT_OF_MEMORY: "out of memory",
    Status.TIMEOUT: "timed out",
    Status.CRASHED: "crashed",
}
"""What each status is called where people read it."""

FIGURES = (
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "samples",
    "workspace_bytes",
    "distance_to_full",
    "cosine_to_full",
    "oracle_error",
    "oracle_bound",
    "oracle",
)


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `reports.load`.

    Returns:
        By setting, then T, then label: one row for the fastest chunk size, and one for each
        status other than ok with the chunk sizes that ended so. Columns: those of
        `settings.FIELDS`; seq_len, label, variant, backend_used, status; `chunk_sizes` (a list,
        empty without chunks); latency_ms with its interval, samples, workspace_bytes,
        distance_to_full, cosine_to_full and the oracle's columns as in `reports.load`;
        `against_full` (words); `latency_ratio` and `workspace_ratio`, full attention's figure
        over this one's at the same T (above 1: less than full). Figures are missing where the
        status is not ok.
    """
    order = list(styles(frame))
    rows = [row for setting in settings.split(frame) for row in _rows(setting.frame, order)]
    columns = (*settings.FIELDS, *_COLUMNS)
    return pd.DataFrame(rows, columns=list(columns))


_COLUMNS = (
    "run_id",
    "seq_len",
    "label",
    "variant",
    "backend_used",
    "status",
    "chunk_sizes",
    *FIGURES,
    "against_full",
    "latency_ratio",
    "workspace_ratio",
)


def _rows(rows: pd.DataFrame, order: list[str]) -> list[dict[str, Any]]:
    """The summary's rows of one setting."""
    best = fastest(rows)
    out = []
    ranked = rows.assign(rank=rows["label"].map({label: i for i, label in enumerate(order)}))
    for (seq_len, _), group in ranked.groupby(["seq_len", "rank"]):
        label = group["label"].iloc[0]
        chosen = best[(best["label"] == label) & (best["seq_len"] == seq_len)]
        for _, row in chosen.iterrows():
            out.append(_identity(row, [row]) | {name: row[name] for name in FIGURES})
            out[-1] |= _against_full(row, reference_at(best, int(seq_len)), rows)
        for _, failed in group[group["status"] != "ok"].groupby("status", sort=False):
            members = [row for _, row in failed.sort_values("chunk_size").iterrows()]
            out.append(_identity(members[0], members))
    return out


def _identity(row: pd.Series, members: list[pd.Series]) -> dict[str, Any]:
    """What a row of the summary is about."""
    names = (*settings.FIELDS, "run_id", "seq_len", "label", "variant", "backend_used", "status")
    chunks = [int(member["chunk_size"]) for member in members if pd.notna(member["chunk_size"])]
    return {name: row[name] for name in names} | {"chunk_sizes": chunks}


def _against_full(
    row: pd.Series, reference: pd.Series | None, rows: pd.DataFrame
) -> dict[str, Any]:
    """How a row that is ok compares with full attention at its length."""
    if reference is None:
        full = rows[(rows["variant"] == "full") & (rows["seq_len"] == row["seq_len"])]
        words = sorted({STATUS_WORDS[Status(status)] for status in full["status"]})
        return {"against_full": f"full: {', '.join(words) or 'not measured'}"}
    if row["label"] == reference["label"]:
        return {"against_full": "", "latency_ratio": 1.0, "workspace_ratio": 1.0}
    comparison = compare(row, reference)
    own, full_bytes = row["workspace_bytes"], reference["workspace_bytes"]
    return {
        "against_full": str(comparison),
        "latency_ratio": comparison.ratio,
        "workspace_ratio": full_bytes / own if own else float("nan"),
    }


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """Points that are not ok, grouped where they failed alike.

    Returns:
        Columns: status, label, reason (of the longest T; reasons that differ only in numbers are
        one group), points (how many), where (the lengths and chunk sizes, in words). The
        gravest first: wrong answers, crashes, timeouts, out of memory, unsupported.
    """
    bad = frame[frame["status"] != "ok"].sort_values("seq_len")
    alike = bad["reason"].map(lambda reason: re.sub(r"\d[\d.,]*", "#", reason))
    rows = []
    for (status, label, _), group in bad.groupby(["status", "label", alike], sort=False):
        rows.append(
            {
                "status": status,
                "label": label,
                "reason": group["reason"].iloc[-1],
                "points": len(group),
                "where": _where(group),
            }
        )
    gravest = ["disagrees", "crashed", "timeout", "out_of_memory", "unsupported"]
    rows.sort(key=lambda row: (gravest.index(row["status"]), row["label"]))
    return pd.DataFrame(rows, columns=["status", "label", "reason", "points", "where"])


def _where(group: pd.DataFrame) -> str:
    """The lengths, chunk sizes and directions of a group of rows, in words."""
    parts = ["T " + ", ".join(units.tokens(T) for T in sorted(set(group["seq_len"])))]
    chunks = sorted({int(chunk) for chunk in group["chunk_size"].dropna()})
    if chunks:
        parts.append("chunk " + ", ".join(map(str, chunks)))
    parts += [", ".join(sorted(set(group[name]))) for name in ("direction", "scope", "dtype")]
    return "; ".join(parts)
