from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.journal import DiskError
from bench.spec import SpecError
from bench.tune.request import Request
from bench.tune.run import done_lengths, plan, tune
from reports.runfile import RunFileError, read_run
from reports.schema import Point, Status

Make = Callable[..., Request]


class Told:
    """Keeps what a watcher is told."""

    def __init__(self, interrupt_at: int = -1) -> None:
        self.stages: list[str] = []
        self.points: list[Point] = []
        self._interrupt_at = interrupt_at

    def begin(self, what: str, steps: int) -> None:
        self.stages.append(what)
        if len(self.stages) == self._interrupt_at:
            raise KeyboardInterrupt

    def watch(self, point: Point) -> None:
        self.points.append(point)


@pytest.fixture
def asked(make_request: Make, tmp_path: Path) -> Request:
    return make_request(
        "48,64", chunk_size="16,32", seconds="0.01", out=str(tmp_path / "tune.jsonl")
    )


def test_a_tuning_is_races_and_the_records_of_their_finalists(asked: Request) -> None:
    told = Told()
    planned = plan(asked, resume=False)
    tune(planned, told)
    run = read_run(planned.path)
    assert [race.point.seq_len for race in run.races] == [48, 64]
    for race in run.races:
        assert [each.chunk_size for each in race.contenders] == [16, 32]
        assert race.wall_s > 0
        finalists = {
            race.point_of(each.chunk_size).key
            for each in race.contenders
            if each.outcome == "finalist"
        }
        measured = {r.key: r for r in run.records if r.point.seq_len == race.point.seq_len}
        assert set(measured) == finalists
        assert {each.status for each in measured.values()} == {Status.OK}
        looked = {race.point_of(each.chunk_size).key: each for each in race.contenders}
        for key, record in measured.items():
            # The look and the full preparation count the same memory and see the same distance.
            assert record.memory is not None
            assert record.agreement is not None
            assert looked[key].workspace_bytes == record.memory.workspace_bytes
            assert looked[key].distance_to_full == record.agreement.distance_to_full
    assert len(told.stages) == 4
    assert run.environment.spec["tune"]["candidates"] == [16, 32]
    assert done_lengths(run) == {48, 64}


def test_an_interrupted_tuning_goes_on_where_it_was(asked: Request) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(plan(asked, resume=False), Told(interrupt_at=3))  # as the second length begins
    planned = plan(asked, resume=True)
    assert planned.todo == [64]
    tune(planned, Told())
    assert [race.point.seq_len for race in read_run(planned.path).races] == [48, 64]
    assert plan(asked, resume=True).todo == []


def test_a_length_whose_finalists_were_not_all_measured_is_raced_again(asked: Request) -> None:
    planned = plan(asked, resume=False)
    tune(planned, Told())
    lines = planned.path.read_text().splitlines(keepends=True)
    planned.path.write_text("".join(lines[:-1]))
    again = plan(asked, resume=True)
    assert again.todo == [64]
    tune(again, Told())
    assert done_lengths(read_run(planned.path)) == {48, 64}


def test_a_run_file_is_never_overwritten(asked: Request, make_request: Make) -> None:
    Path(str(asked.spec.out)).write_text("{}")
    with pytest.raises(SpecError, match="exists and is never overwritten; go on in it with"):
        plan(asked, resume=False)
    with pytest.raises(RunFileError):
        plan(asked, resume=True)
    with pytest.raises(SpecError, match="--resume: name the run file"):
        plan(make_request("64"), resume=True)


def test_another_tunings_file_is_not_gone_on_with(
    asked: Request, make_request: Make, tmp_path: Path
) -> None:
    planned = plan(asked, resume=False)
    tune(planned, Told())
    other = make_request(
        "48,64",
        chunk_size="16,32",
        seconds="0.01",
        prefer="memory",
        out=str(tmp_path / "tune.jsonl"),
    )
    with pytest.raises(SpecError, match="cannot be resumed.*prefer"):
        plan(other, resume=True)


def test_a_full_disk_is_a_sentence(asked: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    planned = plan(asked, resume=False)
    monkeypatch.setattr("reports.runwriter.RunWriter.write", full)
    with pytest.raises(DiskError, match="No space left on device"):
        tune(planned, Told())


def test_a_plug_in_that_fails_is_raced_all_the_same(
    make_request: Make, misbehaving: Path, tmp_path: Path
) -> None:
    asked = make_request(
        "64",
        variants="segfaults",
        plugin=str(misbehaving),
        chunk_size="16,32",
        out=str(tmp_path / "tune.jsonl"),
    )
    planned = plan(asked, resume=False)
    tune(planned, Told())
    (race,) = read_run(planned.path).races
    assert {each.status for each in race.contenders} == {Status.CRASHED}
    assert all("SIGSEGV" in each.reason for each in race.contenders)
