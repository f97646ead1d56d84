from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
import torch

from bench import desk as module
from bench.desk import Closed, Desk
from bench.journal import DiskError
from bench.points import Planned
from bench.spec import SweepSpec
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
CPU = torch.device("cpu")


class Writer:
    """A run file that takes a number of records."""

    path = Path("run.jsonl")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.room = 1000

    def write(self, record: Record) -> None:
        if len(self.records) == self.room:
            raise OSError(28, "No space left on device")
        self.records.append(record)


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.watched: list[Point] = []
        self.finished: list[tuple[Record, float | None]] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def watch(self, point: Point) -> None:
        self.watched.append(point)

    def finish(self, record: Record, seconds_left: float | None) -> None:
        self.finished.append((record, seconds_left))


class Forecast:
    """Every point takes two seconds, and those of 96 tokens do not fit into memory."""

    seconds_by_length: ClassVar[dict[int, float]] = {}
    too_long = 96

    def __init__(self, *, seconds: float, rates: dict[str, float]) -> None:
        self.rates = rates
        self.learnt: list[Record] = []

    def learn(self, record: Record) -> None:
        self.learnt.append(record)

    def seconds(self, point: Point) -> float:
        return self.seconds_by_length.get(point.seq_len, 2.0)

    def seconds_left(self, points: Sequence[Point]) -> float:
        return sum(map(self.seconds, points))

    def out_of_memory(self, point: Point, capacity_bytes: int) -> str:
        return f"needs more than {capacity_bytes}" if point.seq_len == self.too_long else ""


def choose(
    points: Sequence[Point], forecast: Forecast, seconds: float
) -> tuple[list[Point], list[Point]]:
    """The first ones, as many as fit."""
    count, needed = 0, 0.0
    for point in points:
        needed += forecast.seconds(point)
        count += needed <= seconds
    return list(points[:count]), list(points[count:])


def choose_last(
    points: Sequence[Point], forecast: Forecast, seconds: float
) -> tuple[list[Point], list[Point]]:
    """The last ones, as many as fit."""
    chosen, left = choose(points[::-1], forecast, seconds)
    return chosen[::-1], left[::-1]


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have passed."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def make_desk(
    writer: Writer, listener: Listener, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Desk]:
    monkeypatch.setattr(module, "Forecast", Forecast)
    monkeypatch.setattr(Forecast, "seconds_by_length", {})
    monkeypatch.setattr(Forecast, "too_long", 96)
    monkeypatch.setattr(module, "choose", choose)
    monkeypatch.setattr(module, "memory_bytes", lambda device: 7000)

    def make(
        todo: Sequence[Planned],
        devices: Sequence[torch.device] = (CPU,),
        records: Sequence[Record] = (),
        **spec: Any,
    ) -> Desk:
        return Desk(SweepSpec(**spec), todo, devices, writer, listener, records)  # type: ignore[arg-type]

    return make


def record(point: Point, status: Status = Status.CRASHED) -> Record:
    return Record(
        key=point.key,
        point=point,
        status=status,
        reason="why",
        started_at=datetime.now(UTC),
        wall_s=1.0,
    )


@pytest.fixture
def todo(make_point: MakePoint) -> list[Planned]:
    """Two points at each of three lengths."""
    return [
        Planned(make_point(seq_len=seq_len, variant=variant))
        for seq_len in (24, 48, 72)
        for variant in ("full", "lsh")
    ]


def lengths(desk: Desk) -> list[tuple[int, ...]]:
    """Of the points of each group, until there is none."""
    found = []
    while group := desk.next_group():
        found.append(tuple(point.seq_len for point in group))
    return found


def test_points_that_are_compared_are_handed_out_together_short_ones_first(
    make_desk: Callable[..., Desk], todo: list[Planned], listener: Listener
) -> None:
    assert lengths(make_desk(todo)) == [(24, 24), (48, 48), (72, 72)]
    assert listener.sentences == []


def test_a_record_is_written_learnt_from_and_told(
    make_desk: Callable[..., Desk], todo: list[Planned], writer: Writer, listener: Listener
) -> None:
    desk = make_desk(todo)
    first = record(todo[0].point)
    desk.write(first)
    assert writer.records == desk._forecast.learnt == [first]  # type: ignore[attr-defined]
    assert listener.finished == [(first, 10.0)]
    desk.watch(todo[1].point)
    assert listener.watched == [todo[1].point]


def test_a_point_is_done_whichever_device_has_measured_it(
    make_desk: Callable[..., Desk], todo: list[Planned], listener: Listener
) -> None:
    desk = make_desk(todo, [CPU, torch.device("cpu", 1)])
    desk.write(record(todo[0].point.model_copy(update={"device": "cpu:1"})))
    assert listener.finished[-1][1] == 10.0


def test_an_unsupported_point_is_a_record_when_its_turn_comes(
    make_desk: Callable[..., Desk], todo: list[Planned], make_point: MakePoint, writer: Writer
) -> None:
    lacking = Planned(make_point(seq_len=48, variant="hatrick", backend_used=""), "no such backend")
    alone = Planned(make_point(seq_len=60, backend_used=""), "no such backend")
    desk = make_desk([*todo[:4], lacking, alone, *todo[4:]])
    assert desk.next_group()
    assert writer.records == []
    assert lengths(desk) == [(48, 48), (72, 72)]
    assert [(each.status, each.reason) for each in writer.records] == [
        (Status.UNSUPPORTED, "no such backend")
    ] * 2
    assert not any(each.predicted for each in writer.records)


def test_what_cannot_fit_is_a_record_that_says_it_was_predicted(
    make_desk: Callable[..., Desk], make_point: MakePoint, writer: Writer
) -> None:
    desk = make_desk([Planned(make_point(seq_len=96)), Planned(make_point(seq_len=120))])
    assert lengths(desk) == [(120,)]
    (found,) = writer.records
    assert (found.status, found.predicted) == (Status.OUT_OF_MEMORY, True)
    assert found.reason == "needs more than 7000"


def test_what_cannot_fit_is_tried_where_that_is_asked_for(
    make_desk: Callable[..., Desk], make_point: MakePoint, writer: Writer
) -> None:
    assert lengths(make_desk([Planned(make_point(seq_len=96))], force=True)) == [(96,)]
    assert writer.records == []


def test_a_budget_says_beforehand_what_it_has_room_for(
    make_desk: Callable[..., Desk], todo: list[Planned], listener: Listener, make_point: MakePoint
) -> None:
    """Points that are not tried anyway take no room."""
    idle = [Planned(make_point(seq_len=8), "unsupported"), Planned(make_point(seq_len=96))]
    make_desk([idle[0], *todo, idle[1]], budget=6.0)
    assert listener.sentences == [
        "The budget of 6 s has room for 3 of 6 points, predicted to take 6 s.",
        "Left out, as it looks now: 3 points at T = 48, 72.",
    ]


def measure(desk: Desk, group: Sequence[Point] | None) -> None:
    assert group is not None
    for point in group:
        desk.write(record(point))


def test_several_devices_are_in_what_is_said_beforehand(
    make_desk: Callable[..., Desk], todo: list[Planned], listener: Listener
) -> None:
    make_desk(todo, [CPU, torch.device("cpu", 1)], budget=4.0)
    assert listener.sentences == [
        "The budget of 4 s on each of 2 devices has room for 4 of 6 points, predicted to take "
        "8 s together.",
        "Left out, as it looks now: 2 points at T = 72.",
    ]


def test_a_sweep_that_is_slower_than_foreseen_leaves_more_out(
    make_desk: Callable[..., Desk], todo: list[Planned], writer: Writer, clock: list[float]
) -> None:
    desk = make_desk(todo, budget=12.0)
    group = desk.next_group()
    assert group == [each.point for each in todo[:2]]
    clock[0] += 9.0
    measure(desk, group)
    group = desk.next_group()
    assert group == [todo[2].point]
    clock[0] += 3.0
    measure(desk, group)
    assert desk.next_group() is None
    writer.records.clear()
    desk.write_left_out()
    assert [each.point for each in writer.records] == [each.point for each in todo[3:]]
    assert {each.status for each in writer.records} == {Status.LEFT_OUT}
    assert writer.records[0].reason == "the budget of 12 s has no room for it (2 s predicted)"


@pytest.fixture
def left_out(
    make_desk: Callable[..., Desk], todo: list[Planned], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """Has handed out the longest points, and left out all others by the way."""
    monkeypatch.setattr(module, "choose", choose_last)
    desk = make_desk(todo, budget=5.0)
    group = desk.next_group()
    assert group == [each.point for each in todo[4:]]
    measure(desk, group)
    return desk


def test_a_sweep_that_is_faster_than_foreseen_comes_back_to_what_was_left_out(
    left_out: Desk, todo: list[Planned], writer: Writer, clock: list[float]
) -> None:
    clock[0] += 0.5
    group = left_out.next_group()
    assert group == [each.point for each in todo[2:4]]
    measure(left_out, group)
    clock[0] += 1.0
    group = left_out.next_group()
    assert group == [todo[1].point]
    measure(left_out, group)
    clock[0] += 2.0
    assert left_out.next_group() is None
    left_out.write_left_out()
    assert writer.records[-1].point == todo[0].point
    assert len(writer.records) == len(todo)


def test_what_was_left_out_and_turns_out_not_to_fit_into_memory_says_that(
    left_out: Desk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forecast, "too_long", 48)
    measure(left_out, left_out.next_group())
    left_out.write_left_out()
    found = [(each.point.seq_len, each.status) for each in writer.records[2:]]
    assert sorted(found) == [
        (24, Status.CRASHED),
        (24, Status.CRASHED),
        (48, Status.OUT_OF_MEMORY),
        (48, Status.OUT_OF_MEMORY),
    ]


def test_the_records_of_an_earlier_sweep_are_learnt_from(
    make_desk: Callable[..., Desk], todo: list[Planned]
) -> None:
    before = [record(todo[0].point), record(todo[1].point)]
    desk = make_desk(todo[2:], records=before)
    assert desk._forecast.learnt == before  # type: ignore[attr-defined]


def work_through(desk: Desk, clock: list[float], devices: Sequence[torch.device]) -> list[float]:
    """Have devices measure all points, each in just the time that is predicted; when each of them
    was done with its last one."""
    start, ends = clock[0], [0.0] * len(devices)
    free: list[tuple[float, int, list[Point]]] = [(start, i, []) for i in range(len(devices))]
    while free:
        clock[0], number, group = min(free, key=lambda each: each[:2])
        free.remove((clock[0], number, group))
        measure(desk, [each.model_copy(update={"device": str(devices[number])}) for each in group])
        ends[number] = clock[0] - start
        if more := desk.next_group():
            seconds = sum(map(desk._forecast.seconds, more))
            free.append((clock[0] + seconds, number, more))
    return ends


@pytest.mark.parametrize(("count", "measured"), [(1, 3), (2, 6), (3, 6)])
def test_two_devices_have_twice_the_time(
    make_desk: Callable[..., Desk],
    todo: list[Planned],
    writer: Writer,
    clock: list[float],
    count: int,
    measured: int,
) -> None:
    devices = [torch.device("cuda", index) for index in range(count)]
    ends = work_through(make_desk(todo, devices, budget=6.0), clock, devices)
    assert len(writer.records) == measured
    assert max(ends) <= 6.0


def test_what_other_devices_are_busy_with_takes_room(
    make_desk: Callable[..., Desk],
    todo: list[Planned],
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a second, 14 are left of both devices, and the first one needs 3 of its own."""
    monkeypatch.setattr(module, "choose", choose_last)
    monkeypatch.setattr(Forecast, "seconds_by_length", {72: 4.0})
    desk = make_desk(todo, [CPU, torch.device("cpu", 1)], budget=8.0)
    assert desk.next_group() == [each.point for each in todo[:2]]
    clock[0] += 1.0
    assert desk.next_group() == [todo[3].point]


@pytest.mark.parametrize("seed", range(40))
def test_no_device_works_longer_than_the_budget_where_forecasts_are_right(
    make_desk: Callable[..., Desk],
    make_point: MakePoint,
    writer: Writer,
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    random = Random(seed)
    costs = {length: random.uniform(0.1, 9.0) for length in range(8, 88, 8)}
    monkeypatch.setattr(Forecast, "seconds_by_length", costs)
    order = random.choice([choose, choose_last])
    monkeypatch.setattr(module, "choose", order)
    todo = [
        Planned(make_point(seq_len=length, variant=variant))
        for length in costs
        for variant in ("full", "lsh", "hatrick")[: random.randint(1, 3)]
    ]
    devices = [torch.device("cuda", index) for index in range(random.randint(1, 4))]
    budget = random.uniform(1.0, 40.0)
    desk = make_desk(todo, devices, budget=budget)
    ends = work_through(desk, clock, devices)
    assert max(ends) <= budget
    desk.write_left_out()
    assert len({each.point.model_copy(update={"device": ""}).key for each in writer.records}) == (
        len(todo)
    )
    # The device that was done last had no time for any of what is left out.
    left = [each.point for each in writer.records if each.status == "left_out"]
    assert order(left, desk._forecast, budget - max(ends))[0] == []  # type: ignore[arg-type]


def test_a_disk_that_is_full_is_a_sentence_and_the_end(
    make_desk: Callable[..., Desk], todo: list[Planned], writer: Writer, listener: Listener
) -> None:
    desk = make_desk(todo)
    writer.room = 1
    desk.write(record(todo[0].point))
    with pytest.raises(DiskError, match=r"run\.jsonl .*No space left on device.*--resume"):
        desk.write(record(todo[1].point))
    assert len(listener.finished) == 1
    writer.room = 2
    with pytest.raises(Closed):  # or there were a hole in the run
        desk.write(record(todo[1].point))
    assert desk.next_group() is None


def test_when_the_sweep_is_over_nothing_goes_out_and_nothing_comes_in(
    make_desk: Callable[..., Desk], todo: list[Planned], writer: Writer
) -> None:
    desk = make_desk(todo)
    desk.next_group()
    desk.close()
    assert desk.next_group() is None
    with pytest.raises(Closed):
        desk.write(record(todo[0].point))
    assert writer.records == []


def test_points_can_be_taken_on_when_the_others_are_done(
    make_desk: Callable[..., Desk], todo: list[Planned], writer: Writer, listener: Listener
) -> None:
    desk = make_desk(todo[:2])
    measure(desk, desk.next_group())
    assert desk.next_group() is None
    desk.take_on(todo[2:])
    assert lengths(desk) == [(48, 48), (72, 72)]


def test_what_was_left_out_does_not_come_back_with_later_points(
    left_out: Desk, make_point: MakePoint, writer: Writer, clock: list[float]
) -> None:
    left_out.write_left_out()
    records = len(writer.records)
    later = make_point(seq_len=64)
    left_out.take_on([Planned(later)])
    assert left_out.next_group() == [later]
    assert left_out.next_group() is None
    assert len(writer.records) == records
