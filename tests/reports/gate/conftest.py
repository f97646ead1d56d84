"""Results of gates: every verdict and every kind of point there can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from reports.figures import Counts
from reports.gate.exact import Figures, exact_figures
from reports.gate.outcome import point_outcome, whole_outcome
from reports.gate.result import Block, Noise, PointResult, Result, Side, Timing, Verdict
from reports.schema import Point, Status

UNTIMED = {Status.OK: "--exact takes no timings"}


def make_figures(**changes: Any) -> Figures:
    """One side's figures of a point that is fine."""
    values: dict[str, Any] = {
        "status": Status.OK,
        "reason": "",
        "workspace_bytes": 4 * 2**20,
        "memory_source": "cpu allocator events",
        "counts": Counts(flops=268_435_456, operators=14, launches=None, graph_breaks=0),
        "oracle_error": 1.2e-7,
        "oracle_bound": 4.6e-7,
        "distance_to_full": 0.4,
    }
    return Figures(**values | changes)


def make_failed(status: Status, reason: str) -> Figures:
    """One side's figures of a point that gave none."""
    return make_figures(
        status=status,
        reason=reason,
        workspace_bytes=None,
        memory_source=None,
        counts=None,
        oracle_error=None,
        oracle_bound=None,
        distance_to_full=None,
    )


def make_timing(ratio: float, verdict: Verdict, half: float = 0.03, **changes: Any) -> Timing:
    """A latency of 2 ms on base, with an interval of the ratio that reaches `half` both ways."""
    blocks = [
        Block(
            base=(2.0 * drift, 2.02 * drift),
            head=(2.0 * ratio * drift, 2.02 * ratio * drift),
            base_first=first,
        )
        for drift, first in ((1.0, True), (1.03, False), (0.98, True))
    ]
    values: dict[str, Any] = {
        "blocks": blocks,
        "base_ms": 2.0,
        "head_ms": 2.0 * ratio,
        "ratio": ratio,
        "low": ratio * (1 - half),
        "high": ratio * (1 + half),
        "null_ratio": 1.004,
        "limit": 0.05,
        "p_slower": 0.0004 if verdict is Verdict.SLOWER else 0.6,
        "p_faster": 0.0004 if verdict is Verdict.FASTER else 0.6,
        "verdict": verdict,
        "more_blocks": 12 if verdict is Verdict.UNSURE else 0,
    }
    return Timing(**values | changes)


def make_judged(
    point: Point,
    name: str,
    *,
    base: Figures | None,
    head: Figures | None,
    timing: Timing | None = None,
    untimed: str = "",
    advisory: str = "",
) -> PointResult:
    """A point with what was found of it, judged as the gate judges."""
    exact = exact_figures(base, head)
    return PointResult(
        name=name,
        base=point if base else None,
        head=point if head else None,
        base_status=base.status if base else None,
        head_status=head.status if head else None,
        exact=exact,
        timing=timing,
        untimed=untimed,
        outcome=point_outcome(exact, timing, advisory),
    )


def make_result(points: Sequence[PointResult], **changes: Any) -> Result:
    """A gate of a working tree with changes against main, on a small machine."""
    values: dict[str, Any] = {
        "created_at": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        "command": "hatrick gate --base main",
        "base": Side(name="main", commit="0123abc" * 5),
        "head": Side(name="working tree", commit="4567def" * 5, dirty=True),
        "environment": {
            "devices": {"cpu": "Example CPU 9000"},
            "packages": {"torch": "2.13.0+cpu"},
            "host": "bench-1",
        },
        "asked_limit": 0.05,
        "limit": 0.05,
        "rate": 0.05,
        "noise": Noise(floor=0.031, largest=0.019),
        "points": list(points),
        "outcome": whole_outcome(points),
        "seconds": 93.4,
    }
    return Result(**values | changes)


@pytest.fixture(scope="session")
def figures() -> Callable[..., Figures]:
    """`make_figures`."""
    return make_figures


@pytest.fixture(scope="session")
def failed() -> Callable[..., Figures]:
    """`make_failed`."""
    return make_failed


@pytest.fixture(scope="session")
def timing() -> Callable[..., Timing]:
    """`make_timing`."""
    return make_timing


@pytest.fixture(scope="session")
def result() -> Callable[..., Result]:
    """`make_result`."""
    return make_result


@pytest.fixture(scope="session")
def judged(record: Callable[..., Any]) -> Callable[..., PointResult]:
    """`judged(name, base=, head=, …)`: `make_judged` of hatrick at T = 1k, or of `variant` at
    `seq_len`."""

    def made(name: str, *, variant: str = "hatrick", seq_len: int = 1024, **found: Any) -> Any:
        fine = {"base": make_figures(), "head": make_figures()}
        return make_judged(record(variant, seq_len).point, name, **fine | found)

    return made


@pytest.fixture(scope="session")
def every_kind(judged: Callable[..., PointResult]) -> list[PointResult]:
    """A point of every kind: three the same, and one of each other verdict and failure."""
    oom = make_failed(Status.OUT_OF_MEMORY, "tried to allocate 4.00 GiB")
    wrong = make_failed(
        Status.DISAGREES, "relative error 0.3 against the oracle, at most 4.6e-07 expected"
    )
    more_work = make_figures(
        workspace_bytes=9 * 2**19,
        counts=Counts(flops=301_989_888, operators=16, launches=None, graph_breaks=1),
        distance_to_full=0.412,
    )
    less_work = make_figures(workspace_bytes=3 * 2**20)
    same, faster = make_timing(1.004, Verdict.SAME, 0.02), make_timing(0.8, Verdict.FASTER)
    slower, unsure = make_timing(1.12, Verdict.SLOWER), make_timing(1.06, Verdict.UNSURE, 0.05)
    return [
        judged("hatrick n=64, T=1k, forward", timing=slower),
        judged("hatrick n=64, T=1k, forward+backward", timing=same),
        judged("hatrick n=64, T=256, forward", seq_len=256, timing=faster, head=less_work),
        judged("full, T=1k, forward", variant="full", timing=same),
        judged("full, T=1k, forward+backward", variant="full", timing=same),
        judged("full, T=64k, forward", variant="full", base=oom, head=oom, untimed="no figures"),
        judged("lsh n=64, T=1k, forward", variant="lsh", timing=unsure),
        judged("lsh n=64, T=1k, forward+backward", variant="lsh", head=wrong, untimed="no figures"),
        judged("lsh n=64, T=256, forward", variant="lsh", timing=same, head=more_work),
        judged("sliding_window n=64, T=1k, forward", head=None, untimed="only base has it"),
        judged("mine, T=1k, forward", variant="mine", base=None, untimed="only head has it"),
    ]


@pytest.fixture(scope="session")
def everything(every_kind: list[PointResult]) -> Result:
    """A result of every kind of point, its limit raised to the noise floor."""
    return make_result(every_kind, limit=0.062, noise=Noise(floor=0.062, largest=0.041))
