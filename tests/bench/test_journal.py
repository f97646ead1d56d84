from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.contention import Contention
from bench.course import Course
from bench.journal import DiskError, Journal
from bench.messages import Prepared, Visit
from bench.spec import SpecError
from reports.figures import Agreement, Memory
from reports.schema import Point, Record, Status

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


@pytest.fixture
def crashed(course: Course) -> Record:
    """What the course has come to."""
    point = course.point.model_copy(update={"device": "cpu:1"})  # whichever of the devices it was
    now = datetime.now(UTC)
    status = Status.CRASHED
    return Record(
        key=point.key, point=point, status=status, reason="why", started_at=now, wall_s=1.0
    )


def test_what_has_a_record_by_now_is_not_taken_up(
    left: Path, course: Course, crashed: Record
) -> None:
    journal = Journal(left, resume=True, records=[crashed])
    assert journal.course(course.point) == Course(course.point)


def test_the_record_of_another_point_changes_nothing(
    left: Path, course: Course, crashed: Record, make_point: Callable[..., Point]
) -> None:
    other = make_point(seed=7)
    record = crashed.model_copy(update={"point": other, "key": other.key})
    assert Journal(left, resume=True, records=[record]).course(course.point) == course


def test_the_second_try_of_a_point_is_taken_up_without_the_first(
    left: Path, course: Course, crashed: Record
) -> None:
    again = Journal(left, resume=True, records=[crashed]).course(course.point)
    second = Journal(left, resume=True, records=[crashed])
    again.prepared, again.wall_s = PREPARED, 3.0
    second.prepared(again)
    again.visits.append(VISIT)
    second.visited(again)
    assert Journal(left, resume=True, records=[crashed]).course(course.point) == again
    both = [crashed, crashed]
    assert Journal(left, resume=True, records=both).course(course.point) == Course(course.point)


def test_a_disk_that_is_full_is_a_sentence(
    left: Path, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    journal = Journal(left, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr("reports.runwriter.os.fsync", full)
        for keep in (journal.prepared, journal.visited):
            with pytest.raises(DiskError, match=r"visits .*No space left.*--resume"):
                keep(course)
    # The line was whole, but not safely on the disk; nothing of it is left.
    assert Journal(left, resume=True).course(course.point) == course


def test_a_journal_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl.visits").mkdir()
    for resume in (True, False):
        with pytest.raises(SpecError, match=r"run\.jsonl\.visits cannot be written \("):
            Journal(tmp_path / "run.jsonl", resume=resume)


def test_several_threads_write_whole_lines(left: Path, course: Course) -> None:
    journal = Journal(left, resume=True)

    def write() -> None:
        for _ in range(20):
            journal.visited(course)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Journal(left, resume=True).course(course.point).visits) == 2 + 80
