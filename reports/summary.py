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
from reports.statuses import GRAVEST, outcomes

FIGURES = (
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "samples",
    "target",
    "precision",
    "stopped_by",
    "stationary",
    "launch_hidden",
    "throttled_samples",
    "cpu_wait",
    "cpu_steal",
    "workspace_bytes",
    "retained_bytes",
    "distance_to_full",
    "cosine_to_full",
    "oracle_error",
    "oracle_bound",
    "oracle",
)


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `reports.load`.

    Returns:
        By setting, then T, then label: one row for the fastest chunk size, one for each that was
        throttled, and one for each other status with the chunk sizes that ended so; what was left
        out comes after all else of its T. Columns: those of `settings.FIELDS`; seq_len, label,
        variant, backend_used, status, predicted; `chunk_sizes` (a list, empty without chunks);
        latency_ms with its interval and how it was come by, samples, workspace_bytes,
        retained_bytes, distance_to_full, cosine_to_full and the oracle's columns as in
        `reports.load`; `against_full` (words); `latency_ratio` and `workspace_ratio`, full
        attention's figure over this one's at the same T (above 1: less than full), for rows that
        are ok. Figures are missing where the status is neither ok nor throttled.
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
    "predicted",
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
        out += _others(group[group["status"] != "ok"])
    # Stable, so that all else keeps its place.
    return sorted(out, key=lambda row: (row["seq_len"], row["status"] == "left_out"))


def _others(group: pd.DataFrame) -> list[dict[str, Any]]:
    """The summary's rows of one label at one length for its chunk sizes that are not ok."""
    out = []
    for (status, _), alike in group.groupby(["status", "predicted"], sort=False):
        members = [row for _, row in alike.sort_values("chunk_size").iterrows()]
        if status == "throttled":  # each of them has figures of its own
            out += [
                _identity(row, [row]) | {name: row[name] for name in FIGURES} for row in members
            ]
        else:
            out.append(_identity(members[0], members))
    return out


def _identity(row: pd.Series, members: list[pd.Series]) -> dict[str, Any]:
    """What a row of the summary is about."""
    about = ("run_id", "seq_len", "label", "variant", "backend_used", "status", "predicted")
    names = (*settings.FIELDS, *about)
    chunks = [int(member["chunk_size"]) for member in members if pd.notna(member["chunk_size"])]
    return {name: row[name] for name in names} | {"chunk_sizes": chunks}


def _against_full(
    row: pd.Series, reference: pd.Series | None, rows: pd.DataFrame
) -> dict[str, Any]:
    """How a row that is ok compares with full attention at its length."""
    if reference is None:
        full = rows[(rows["variant"] == "full") & (rows["seq_len"] == row["seq_len"])]
        return {"against_full": f"full: {outcomes(full) or 'not measured'}"}
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
        Columns: status, predicted, label, reason (of the longest T; reasons that differ only in
        numbers are one group), points (how many), where (the lengths and chunk sizes, in words).
        The gravest first, by `statuses.GRAVEST`.
    """
    bad = frame[frame["status"] != "ok"].sort_values("seq_len")
    alike = bad["reason"].map(lambda reason: re.sub(r"\d[\d.,]*", "#", reason))
    rows = []
    kinds = ["status", "predicted", "label", alike]
    for (status, predicted, label, _), group in bad.groupby(kinds, sort=False):
        rows.append(
            {
                "status": status,
                "predicted": predicted,
                "label": label,
                "reason": group["reason"].iloc[-1],
                "points": len(group),
                "where": _where(group),
            }
        )
    rows.sort(key=lambda row: (GRAVEST.index(row["status"]), row["predicted"], row["label"]))
    columns = ["status", "predicted", "label", "reason", "points", "where"]
    return pd.DataFrame(rows, columns=columns)


def _where(group: pd.DataFrame) -> str:
    """The lengths, chunk sizes and directions of a group of rows, in words."""
    parts = ["T " + ", ".join(units.tokens(T) for T in sorted(set(group["seq_len"])))]
    chunks = sorted({int(chunk) for chunk in group["chunk_size"].dropna()})
    if chunks:
        parts.append("chunk " + ", ".join(map(str, chunks)))
    parts += [", ".join(sorted(set(group[name]))) for name in ("direction", "scope", "dtype")]
    return "; ".join(parts)
