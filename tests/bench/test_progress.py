from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bench.points import Planned
from bench.progress import Display, Estimate, label
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]


def failed(point: Point, wall_s: float = 1.0) -> Record:
    return Record(
        key=point.key,
        point=point,
        status=Status.TIMEOUT,
        reason="gave no answer within 9 s",
        started_at=datetime.now(UTC),
        wall_s=wall_s,
    )


def test_a_point_in_a_few_words(make_point: MakePoint) -> None:
    assert label(make_point()) == "full (sdpa) T 24, forward, float32"
    point = make_point(variant="lsh", chunk_size=8, backend_used="", options={"rounds": 2})
    assert label(point) == "lsh:rounds=2 T 24, chunk 8, forward, float32"


def test_time_left_is_a_line_through_flops(make_point: MakePoint) -> None:
    points = [make_point(seq_len=seq_len) for seq_len in (16, 32, 64, 128)]
    estimate = Estimate([Planned(point) for point in points])
    flops = dict(estimate._left)
    assert estimate.seconds_left() is None
    # Two seconds for every point, and one for each 10⁶ FLOPs.
    walls = [2 + flops[point.key] / 1e6 for point in points]
    estimate.finish(failed(points[0], walls[0]))
    assert estimate.seconds_left() == pytest.approx(3 * walls[0])
    estimate.finish(failed(points[1], walls[1]))
    assert estimate.seconds_left() == pytest.approx(walls[2] + walls[3])


def test_unsupported_points_take_no_time(make_point: MakePoint) -> None:
    first, second = make_point(), make_point(seq_len=48)
    estimate = Estimate([Planned(first), Planned(second, "no such backend")])
    estimate.finish(failed(first))
    assert estimate.seconds_left() == 0.0


def show(points: list[Point], *, terminal: bool, done: int = 0) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Display([Planned(point) for point in points], done, console) as display:
        for point in points:
            display.start(point)
            display.finish(failed(point))
    output: str = console.file.getvalue()  # type: ignore[attr-defined]
    return output


def test_off_a_terminal_there_is_one_plain_line_a_point(make_point: MakePoint) -> None:
    output = show([make_point(), make_point(seq_len=4096)], terminal=False, done=3)
    assert output.splitlines() == [
        "4/5 full (sdpa) T 24, forward, float32: timeout: gave no answer within 9 s",
        "5/5 full (sdpa) T 4096, forward, float32: timeout: gave no answer within 9 s",
    ]


def test_on_a_terminal_there_is_a_bar_with_what_is_measured(make_point: MakePoint) -> None:
    output = show([make_point(seq_len=4096)], terminal=True)
    assert "full (sdpa) T 4096, forward, float32" in output
    assert "1/1" in output
    assert "\x1b[" in output
