"""Run files as one pandas frame: a row a point, a column a figure, missing where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from reports.labels import labels
from reports.runfile import Run, read_runs
from reports.schema import Record

COLUMNS: dict[str, tuple[str, str]] = {
    "run_id": ("string", "the run this row was measured in"),
    "file": ("string", "path of its run file"),
    "key": ("string", "identity of the point: equal only where everything asked for is equal"),
    "label": ("string", "how tables and charts name the curve this row belongs to"),
    "variant": ("string", "registered name of the attention"),
    "options": ("object", "dict of the variant's own options, defaults included"),
    "backend": ("string", "backend asked for: auto or a name"),
    "backend_used": ("string", "backend that ran; empty where none is available"),
    "scope": ("string", "layer or core"),
    "direction": ("string", "forward or forward+backward"),
    "batch": ("int64", "sequences in one call"),
    "seq_len": ("int64", "sequence length T, tokens"),
    "dim": ("int64", "width of the model"),
    "heads": ("int64", "attention heads"),
    "chunk_size": ("Int64", "visible local keys; missing for a variant without chunks"),
    "causal": ("bool", "no output depends on a later input"),
    "dtype": ("string", "torch's name: float32, bfloat16, …"),
    "device": ("string", "torch's name: cpu, cuda:0, …"),
    "device_name": ("string", "model of the device"),
    "seed": ("int64", "seed of the inputs and parameters"),
    "status": (
        "string",
        "ok; disagrees (agreement alone); unsupported, out_of_memory, timeout, crashed (no figure)",
    ),
    "reason": ("string", "why it is not ok; empty if it is"),
    "latency_ms": ("float64", "median wall time of one call, ms"),
    "latency_q1_ms": ("float64", "lower quartile, ms"),
    "latency_q3_ms": ("float64", "upper quartile, ms"),
    "latency_low_ms": ("float64", "lower end of the median's 95% interval, ms"),
    "latency_high_ms": ("float64", "upper end of it, ms; missing with too few samples"),
    "samples": ("Int64", "number of samples"),
    "samples_ms": ("object", "list of every sample in the order taken, ms; None without any"),
    "build_ms": ("float64", "making the layer and its inputs, ms"),
    "first_call_ms": ("float64", "first call, compilation included, ms"),
    "warmup_ms": ("float64", "all calls before the first sample, ms"),
    "warmup_calls": ("Int64", "number of those calls"),
    "input_bytes": ("Int64", "inputs, bytes"),
    "output_bytes": ("Int64", "output, bytes"),
    "parameter_bytes": ("Int64", "parameters, bytes"),
    "workspace_bytes": ("Int64", "peak above what was resident before the call, bytes"),
    "allocated_peak_bytes": ("Int64", "CUDA allocator's peak of allocated memory, bytes"),
    "reserved_peak_bytes": ("Int64", "CUDA allocator's peak of reserved memory, bytes"),
    "memory_source": ("string", "what counted the bytes"),
    "oracle_error": ("float64", "relative error against the variant's float64 oracle"),
    "oracle_bound": ("float64", "largest error the dtype explains"),
    "oracle_rows": ("Int64", "queries of each sequence that were compared"),
    "oracle": ("string", "independent, or self: no oracle of its own"),
    "distance_to_full": ("float64", "0: equals full attention; 1: as far off as no attention"),
    "cosine_to_full": ("float64", "cosine of what this and full attention add to no attention"),
    "flops": ("Int64", "cost model's FLOPs of one call; a multiply-add is two"),
    "model_bytes": ("Int64", "cost model's bytes to and from memory of one call"),
    "started_at": ("datetime64[us, UTC]", "when the point was started"),
    "wall_s": ("float64", "seconds the point took, all probes together"),
    "torch": ("string", "torch's version"),
    "git_commit": ("string", "commit of the working tree; empty outside a checkout"),
    "git_dirty": ("bool", "the working tree had changes that were not committed"),
}
"""Every column with its dtype and what it holds. Missing figures are NA or NaN, never zero."""


def load(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Read run files into a frame with the columns of `COLUMNS`, one row a point.

    Args:
        paths: a run file, several, or a folder of `*.jsonl`.

    Raises:
        RunFileError: something given is no run file.
    """
    return to_frame(read_runs(paths))


def to_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Runs as a frame with the columns of `COLUMNS`; of a point tried again, the last try."""
    rows = [_row(run, record) for run in runs for record in run.latest]
    frame = pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, (dtype, _) in COLUMNS.items()
        }
    )
    frame["label"] = labels(frame)
    return frame


def _row(run: Run, record: Record) -> dict[str, Any]:
    """One record, flat; a name that is not in it is a figure that is missing."""
    environment = run.environment
    row: dict[str, Any] = {
        "run_id": environment.run_id,
        "file": str(run.path),
        "torch": environment.packages.get("torch"),
        "git_commit": environment.git_commit,
        "git_dirty": environment.git_dirty,
        **record.point.model_dump(),
        **record.model_dump(include={"key", "reason", "flops", "model_bytes", "wall_s"}),
        "status": record.status.value,
        "started_at": record.started_at,
    }
    if latency := record.latency:
        row |= latency.model_dump(include={"samples_ms", "build_ms", "first_call_ms"})
        row |= latency.model_dump(include={"warmup_ms", "warmup_calls"})
        row |= {"latency_ms": latency.median_ms, "samples": len(latency.samples_ms)}
        row |= {f"latency_{name}": getattr(latency, name) for name in ("q1_ms", "q3_ms")}
        row |= {f"latency_{name}": getattr(latency, name) for name in ("low_ms", "high_ms")}
    if memory := record.memory:
        row |= memory.model_dump(exclude={"source"}) | {"memory_source": memory.source}
    if agreement := record.agreement:
        row |= agreement.model_dump()
    return row
