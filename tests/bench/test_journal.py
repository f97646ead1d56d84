from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.contention import Contention
from bench.course import Course
from bench.journal import Journal
from bench.messages import Prepared, Visit
from reports.schema import Agreement, Memory, Point

VISIT = Visit(
    samples_ms=[1.0, 2.0],
    sampling_s=0.003,
    warmup_ms=3.0,
    warmup_calls=1,
    stationary=True,
    contention=Contention(run_ns=1, wait_ns=2, steal_s=0.5, cores_s=4.0),
)
PREPARED = Prepared(
    started_at="2026-01-02T03:04:05Z",
    build_ms=1.0,
    compile_ms=0.0,
    mask_ms=0.0,
    first_call_ms=2.0,
    memory=Memory(
        input_bytes=1,
        output_bytes=1,
        parameter_bytes=1,
        workspace_bytes=1,
        retained_bytes=0,
        source="cpu allocator events",
    ),
    agreement=Agreement(
        oracle_error=float("inf"),
        oracle_bound=1e-7,
        oracle_max_error=0.0,
        oracle_max_bound=1e-7,
        oracle_rows=1,
        oracle="self",
        distance_to_full=None,
        cosine_to_full=None,
    ),
    flops=None,
    model_bytes=None,
)


@pytest.fixture
def course(make_point: Callable[..., Point]) -> Course:
    """A point that was prepared and visited twice, in ten seconds."""
    return Course(make_point(), wall_s=10.0, prepared=PREPARED, visits=[VISIT, VISIT])


@pytest.fixture
def left(course: Course, tmp_path: Path) -> Path:
    """The run file whose journal a killed sweep has left, with that course in it."""
    run = tmp_path / "run.jsonl"
    journal = Journal(run, resume=False)
    journal.prepared(course)
    journal.visited(course)
    journal.visited(course)
    return run


def test_what_was_left_is_taken_up(left: Path, course: Course) -> None:
    assert Journal(left, resume=True).course(course.point) == course


def test_it_can_be_killed_again_and_again(left: Path, course: Course) -> None:
    again = Journal(left, resume=True)
    again.visited(again.course(course.point))
    assert len(Journal(left, resume=True).course(course.point).visits) == 3


def test_another_point_starts_afresh(left: Path, make_point: Callable[..., Point]) -> None:
    point = make_point(seed=7)
    assert Journal(left, resume=True).course(point) == Course(point)


def test_a_new_sweep_takes_up_nothing(left: Path, course: Course) -> None:
    assert Journal(left, resume=False).course(course.point) == Course(course.point)


def test_half_a_line_is_cut_off_and_the_rest_counts(left: Path, course: Course) -> None:
    path = left.with_name("run.jsonl.visits")
    whole = path.read_bytes()
    for cut in range(1, len(whole), 97):
        path.write_bytes(whole[:cut])
        journal = Journal(left, resume=True)
        found = journal.course(course.point)
        assert len(found.visits) == max(0, whole[:cut].count(b"\n") - 1)
        journal.visited(course)  # what comes next stands on a line of its own
        assert len(Journal(left, resume=True).course(course.point).visits) == len(found.visits) + 1


def test_it_is_gone_when_all_is_done_and_stays_when_it_is_not(left: Path) -> None:
    path = left.with_name("run.jsonl.visits")
    with pytest.raises(KeyboardInterrupt), Journal(left, resume=True):
        raise KeyboardInterrupt
    assert path.exists()
    with Journal(left, resume=True):
        pass
    assert not path.exists()
