from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bench.progress import Display, label
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


def show(
    points: list[Point], *, terminal: bool, done: int = 0, seconds_left: float | None = None
) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Display(len(points), done, console) as display:
        display.say("A budget of 9 s.")
        for point in points:
            display.watch(point)
            display.finish(failed(point), seconds_left)
    output: str = console.file.getvalue()  # type: ignore[attr-defined]
    return output


def test_off_a_terminal_there_is_one_plain_line_a_point(make_point: MakePoint) -> None:
    output = show([make_point(), make_point(seq_len=4096)], terminal=False, done=3)
    assert output.splitlines() == [
        "A budget of 9 s.",
        "4/5 full (sdpa) T 24, forward, float32: timeout: gave no answer within 9 s",
        "5/5 full (sdpa) T 4096, forward, float32: timeout: gave no answer within 9 s",
    ]


def test_on_a_terminal_there_is_a_bar_with_what_is_measured(make_point: MakePoint) -> None:
    output = show([make_point(seq_len=4096)], terminal=True, seconds_left=83.0)
    assert "full (sdpa) T 4096, forward, float32" in output
    assert "1/1" in output
    assert "about 1 min 23 s left" in output
    assert "\x1b[" in output


@pytest.mark.parametrize(("seconds", "words"), [(59.6, "about 1 min 00 s"), (7.4, "about 7 s")])
def test_time_left_is_rounded_to_seconds(make_point: MakePoint, seconds: float, words: str) -> None:
    assert f"{words} left" in show([make_point()], terminal=True, seconds_left=seconds)


def test_time_left_that_is_not_known_is_not_shown(make_point: MakePoint) -> None:
    assert "left" not in show([make_point()], terminal=True)


def test_a_sentence_is_not_folded_and_not_taken_for_markup() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=30)
    with Display(1, 0, console) as display:
        display.say("The budget of 600 s has room for [1] of 2 points.")
    output: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert output == "The budget of 600 s has room for [1] of 2 points.\n"


def test_points_that_come_later_are_counted_in(make_point: MakePoint) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=100)
    with Display(1, 0, console) as display:
        display.finish(failed(make_point()), None)
        display.finish(failed(make_point(seq_len=48)), None)
    output: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert [line.split()[0] for line in output.splitlines()] == ["1/1", "2/2"]
