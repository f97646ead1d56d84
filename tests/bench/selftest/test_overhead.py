from __future__ import annotations

import json

import pytest
import torch

from bench.selftest import overhead
from bench.sweep import Plan

CPU = torch.device("cpu")


def test_the_share_is_that_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep of ten seconds, whose two points have samples of 3 s and of 4 s."""
    now = 0.0

    def run(prepared: Plan, progress: object) -> None:
        nonlocal now
        now += 10.0
        points = [each.point for each in prepared.todo[:2]]
        lines = [prepared.environment.model_dump_json()]
        lines += [_record(point, total) for point, total in zip(points, (3.0, 4.0), strict=True)]
        prepared.path.write_text("\n".join(lines) + "\n")

    def _record(point: object, total_s: float) -> str:
        from reports.schema import Agreement, Latency, Memory, Point, Record, Status

        assert isinstance(point, Point)
        samples = [total_s * 1e3 / 20] * 20
        return Record(
            key=point.key,
            point=point,
            status=Status.OK,
            latency=Latency(
                samples_ms=samples,
                visits=[4] * 5,
                rounds=[0, 1, 2, 3, 4],
                median_ms=samples[0],
                q1_ms=samples[0],
                q3_ms=samples[0],
                low_ms=samples[0],
                high_ms=samples[0],
                target=0.01,
                stopped_by="precision",
                build_ms=1.0,
                compile_ms=0.0,
                mask_ms=0.0,
                first_call_ms=1.0,
                warmup_ms=500.0,
                warmup_calls=1,
                stationary=True,
            ),
            memory=Memory(
                input_bytes=1,
                output_bytes=1,
                parameter_bytes=1,
                workspace_bytes=1,
                retained_bytes=0,
                source="cpu allocator events",
            ),
            agreement=Agreement(
                oracle_error=0.0,
                oracle_bound=1e-7,
                oracle_max_error=0.0,
                oracle_max_bound=1e-6,
                oracle_rows=1,
                oracle="self",
                distance_to_full=None,
                cosine_to_full=None,
            ),
            started_at="2026-01-02T03:04:05Z",
            wall_s=1.0,
        ).model_dump_json()

    monkeypatch.setattr(overhead, "run", run)
    monkeypatch.setattr(overhead, "monotonic", lambda: now)
    check = overhead.check_overhead(CPU)
    assert check.passed
    assert check.found == "70% of 10 s, 2 points"
    assert json.loads(check.model_dump_json())["limit"] == "at least 60%"
