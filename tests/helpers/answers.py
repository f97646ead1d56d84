"""Answers of a worker, made by hand."""

from __future__ import annotations

from typing import Any

from bench.messages import Prepared
from reports.figures import Agreement, Memory

AGREEMENT = Agreement(
    oracle_error=1e-7,
    oracle_bound=1e-6,
    oracle_max_error=1e-6,
    oracle_max_bound=1e-5,
    oracle_rows=24,
    oracle="independent",
    distance_to_full=0.0,
    cosine_to_full=1.0,
)


def prepared(**changes: Any) -> Prepared:
    """A point that is right and ready to be timed, with changes."""
    values: dict[str, Any] = {
        "started_at": "2026-01-02T03:04:05Z",
        "build_ms": 1.0,
        "compile_ms": 0.0,
        "mask_ms": 0.0,
        "first_call_ms": 9.0,
        "memory": Memory(
            input_bytes=100,
            output_bytes=100,
            parameter_bytes=200,
            workspace_bytes=400,
            retained_bytes=0,
            source="cpu allocator events",
        ),
        "agreement": AGREEMENT,
        "flops": 5,
        "model_bytes": 6,
    }
    return Prepared(**values | changes)
