"""Runs in the formats of the tools that people track benchmarks with, a format a file.

A format is a function from runs to the text of one file. Each has the points with figures under
names that stay the same from run to run (`reports.formats.points`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.formats import bencher, github_action_benchmark, pytest_benchmark
from reports.runfile import Run

FORMATS: dict[str, Callable[[Sequence[Run]], str]] = {
    "github-action-benchmark": github_action_benchmark.to_text,
    "bencher": bencher.to_text,
    "pytest-benchmark": pytest_benchmark.to_text,
}
"""By the tool that reads it."""
