"""What github-action-benchmark reads with `tool: customSmallerIsBetter`.

A list of `{name, unit, value, range, extra}` (its README, "Examples", custom benchmarks). It takes
the ratio of a value to that of the same name before, and alerts above `alert-threshold`; it does no
statistics, so `range` and `extra` are for the reader alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from reports.figures import Latency
from reports.formats.points import Tracked, tracked
from reports.runfile import Run


def to_text(runs: Sequence[Run]) -> str:
    """Two entries a point: its median latency in ms and its workspace in bytes.

    Raises:
        ExportError: two runs have the same point, or none has figures.
    """
    entries = [entry for point in tracked(runs) for entry in _entries(point)]
    return json.dumps(entries, indent=1) + "\n"


def _entries(point: Tracked) -> list[dict[str, str | float]]:
    latency, memory = point.record.latency, point.record.memory
    assert latency is not None  # a record that is ok has both
    assert memory is not None
    about = [f"backend {point.record.point.backend_used}"]
    if commit := point.run.environment.git_commit:
        about.append(f"commit {commit}{', changed' if point.run.environment.git_dirty else ''}")
    timed: dict[str, str | float] = {
        "name": f"{point.name}: latency",
        "unit": "ms",
        "value": latency.median_ms,
    }
    words = [f"median of {len(latency.samples_ms)} samples", *about]
    if (half := _half_width(latency)) is not None:
        timed["range"] = f"± {half:.3g}"
        words.insert(1, f"95% interval {latency.low_ms:.6g} to {latency.high_ms:.6g} ms")
    timed["extra"] = "\n".join(words)
    taken: dict[str, str | float] = {
        "name": f"{point.name}: workspace",
        "unit": "bytes",
        "value": memory.workspace_bytes,
        "extra": "\n".join([f"from {memory.source}", *about]),
    }
    return [timed, taken]


def _half_width(latency: Latency) -> float | None:
    """From the median to the farther end of its interval: the format has room for one number."""
    if latency.low_ms is None or latency.high_ms is None:
        return None
    return max(latency.median_ms - latency.low_ms, latency.high_ms - latency.median_ms)
