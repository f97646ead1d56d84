"""Bencher Metric Format, what `bencher run --adapter json` reads.

`{benchmark: {measure: {value, lower_value, upper_value}}}` (bencher.dev, "Bencher Metric Format").
Its measure `latency` is in nanoseconds; `workspace` is one of our own, in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from reports.formats.points import tracked
from reports.runfile import Run
from reports.schema import Record

NS_PER_MS = 1e6


def to_text(runs: Sequence[Run]) -> str:
    """Median latency with its 95% interval, where it has one, and workspace of every point.

    Raises:
        ExportError: two runs have the same point, or none has figures.
    """
    measures = {point.name: _measures(point.record) for point in tracked(runs)}
    return json.dumps(measures, indent=1) + "\n"


def _measures(record: Record) -> dict[str, dict[str, float]]:
    latency, memory = record.latency, record.memory
    assert latency is not None  # a record that is ok has both
    assert memory is not None
    timed = {"value": latency.median_ms * NS_PER_MS}
    if latency.low_ms is not None and latency.high_ms is not None:
        timed["lower_value"] = latency.low_ms * NS_PER_MS
        timed["upper_value"] = latency.high_ms * NS_PER_MS
    return {"latency": timed, "workspace": {"value": memory.workspace_bytes}}
