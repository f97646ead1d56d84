from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from bench import rounds
from bench.contention import Contention
from bench.journal import Journal
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from bench.rounds import Rounds
from reports.figures import Agreement, Memory
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
QUIET = Contention(run_ns=1, wait_ns=0, steal_s=0.0, cores_s=1.0)


def prepared(retained: int = 0) -> Prepared:
    return Prepared(
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
            retained_bytes=retained,
            source="cpu allocator events",
        ),
        agreement=Agreement(
            oracle_error=0.0,
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


def visit(milliseconds: float = 1.0, throttled: bool = False, stationary: bool = True) -> Visit:
    return Visit(
        samples_ms=[milliseconds] * 4,
        sampling_s=0.004,
        warmup_ms=milliseconds,
        warmup_calls=1,
        stationary=stationary,
        throttled=throttled,
        contention=QUIET,
    )


class Worker:
    """Answers as it is told, and keeps count of what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.instead: dict[tuple[str, int], list[Answer]] = {}
        self.renewed: list[int] = []

    def ask(self, do: str, point: Point) -> tuple[Answer, float]:
        self.asked.append((do, point.seed))
        if self.instead.get((do, point.seed)):
            return self.instead[do, point.seed].pop(0), 0.25
        usual: dict[str, Answer] = {
            "prepare": prepared(),
            "visit": visit(),
            "finish": Finished(),
        }
        return usual[do], 0.25

    def visits(self) -> list[int]:
        return [seed for do, seed in self.asked if do == "visit"]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def measure(worker: Worker, make_point: MakePoint, tmp_path: Path) -> Callable[..., list[Record]]:
    """Measures three points, which differ in their seed, and gives their records."""

    def measure(order: str = "interleaved", resume: bool = False) -> list[Record]:
        records: list[Record] = []
        with Journal(tmp_path / "run.jsonl", resume=resume) as journal:
            course = Rounds(
                ask=worker.ask,
                renew=lambda point: worker.renewed.append(point.seed),
                journal=journal,
                write=records.append,
                watch=lambda point: None,
                target=0.01,
                seconds=1.0,
                order=order,  # type: ignore[arg-type]
            )
            course.measure([make_point(seed=seed) for seed in range(3)])
        return records

    return measure


def test_points_take_turns_in_an_order_that_changes(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    records = measure()
    assert {record.status for record in records} == {Status.OK}
    visits = worker.visits()
    turns = [tuple(visits[start : start + 3]) for start in range(0, len(visits), 3)]
    assert len(turns) == 5
    assert all(sorted(each) == [0, 1, 2] for each in turns)
    assert len(set(turns)) > 1


def test_in_sequence_each_point_is_measured_by_itself(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    measure("sequential")
    assert worker.visits() == [0] * 5 + [1] * 5 + [2] * 5


def test_everything_is_prepared_before_anything_is_timed(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    measure()
    assert [do for do, _ in worker.asked[:4]] == ["prepare"] * 3 + ["visit"]


def test_a_record_holds_the_samples_of_all_visits(measure: Callable[..., list[Record]]) -> None:
    latency = measure()[0].latency
    assert latency is not None
    assert latency.samples_ms == [1.0] * 20
    assert latency.visits == [4] * 5
    assert latency.stopped_by == "precision"
    assert (latency.warmup_ms, latency.warmup_calls) == (5.0, 5)
    assert latency.low_ms == latency.median_ms == latency.high_ms == 1.0


def test_a_points_time_is_that_of_all_its_answers(measure: Callable[..., list[Record]]) -> None:
    assert [record.wall_s for record in measure()] == [7 * 0.25] * 3


@pytest.mark.parametrize("do", ["prepare", "visit"])
def test_a_failure_is_a_record_and_the_others_go_on(
    measure: Callable[..., list[Record]], worker: Worker, do: str
) -> None:
    worker.instead[do, 1] = [Failure(status=Status.CRASHED, reason="no luck")]
    records = {record.point.seed: record for record in measure()}
    assert records[1].status is Status.CRASHED
    assert records[1].reason == "no luck"
    assert records[0].status is records[2].status is Status.OK
    assert len(records[0].latency.samples_ms) == 20  # type: ignore[union-attr]


def test_a_point_whose_energy_cannot_be_had_keeps_all_else(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    worker.instead["finish", 1] = [Failure(status=Status.CRASHED, reason="no luck")]
    assert {record.status for record in measure()} == {Status.OK}


def test_points_that_take_turns_share_their_rounds(
    measure: Callable[..., list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = count(1_700_000_000_000_000_000, 1_000_000)
    monkeypatch.setattr(rounds, "time_ns", lambda: next(now))
    latencies = [record.latency for record in measure()]
    assert len({tuple(latency.rounds) for latency in latencies if latency}) == 1
    latencies = [record.latency for record in measure("sequential")]
    every = [when for latency in latencies if latency for when in latency.rounds]
    assert len(set(every)) == len(every) == 15


def test_a_point_that_leaks_comes_last_and_by_itself(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    worker.instead["prepare", 0] = [prepared(retained=8)]
    measure()
    assert worker.visits()[-5:] == [0] * 5
    assert 0 not in worker.visits()[:-5]
    assert worker.renewed == [0]


def test_a_point_that_was_throttled_throughout_says_so_and_keeps_its_figures(
    measure: Callable[..., list[Record]], worker: Worker
) -> None:
    worker.instead["visit", 2] = [visit(throttled=True) for _ in range(5)]
    worker.instead["visit", 1] = [visit(throttled=True)]
    records = {record.point.seed: record for record in measure()}
    assert records[2].status is Status.THROTTLED
    assert "100% of the samples" in records[2].reason
    assert records[2].latency is not None
    assert records[1].status is Status.OK
    assert records[1].latency is not None
    assert records[1].latency.throttled == [0, 1, 2, 3]


class Killed(BaseException):
    """What a kill looks like from inside: nothing more is run."""


def test_a_sweep_that_is_killed_loses_the_visit_it_was_at(
    measure: Callable[..., list[Record]], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker.ask

    def ask(do: str, point: Point) -> tuple[Answer, float]:
        if len(worker.visits()) == 7:
            raise Killed
        return real(do, point)

    monkeypatch.setattr(worker, "ask", ask)
    with pytest.raises(Killed):
        measure()
    monkeypatch.setattr(worker, "ask", real)
    records = measure(resume=True)
    assert [do for do, _ in worker.asked].count("prepare") == 3
    assert len(worker.visits()) == 15
    assert all(len(record.latency.samples_ms) == 20 for record in records if record.latency)
    assert len(records) == 3
