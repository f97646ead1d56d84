from __future__ import annotations

import pytest
import torch

from bench.points import expand
from bench.selftest import overhead
from bench.spec import merge
from bench.sweep import Plan

CPU = torch.device("cpu")


@pytest.mark.parametrize(("warmup_ms", "passed"), [(500.0, False), (1000.0, True)])
def test_the_share_is_that_of_all_calls_and_the_samples_are_told(
    monkeypatch: pytest.MonkeyPatch, warmup_ms: float, passed: bool
) -> None:
    """A sweep of ten seconds, whose two points have samples of 2 s and of 2.5 s."""
    now = 0.0

    def run(prepared: Plan, progress: object) -> None:
        nonlocal now
        now += 10.0
        points = [each.point for each in prepared.todo[:2]]
        lines = [prepared.environment.model_dump_json()]
        lines += [_record(point, total) for point, total in zip(points, (2.0, 2.5), strict=True)]
        prepared.path.write_text("\n".join(lines) + "\n")

    def _record(point: object, total_s: float) -> str:
        from reports.figures import Agreement, Latency, Memory
        from reports.schema import Point, Record, Status

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
                warmup_ms=warmup_ms,
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
    assert check.of == "harness"
    assert check.passed == passed
    calls = 0.45 + 2 * warmup_ms / 10_000
    assert check.found == f"{calls:.0%} of 10 s are calls: 45% samples, the rest warm-up"
    assert check.limit == "at least 60%, warm-up included"


def test_the_part_has_every_variant_at_a_short_and_a_long_length() -> None:
    flags = overhead.PART["cpu"] | {"device": "cpu"}
    points = [each.point for each in expand(merge(flags)[0])]
    assert {point.seq_len for point in points} == {256, 1024}
    assert {point.variant for point in points} == {"hatrick", "full", "sliding_window", "lsh"}
    assert len(points) == 8
