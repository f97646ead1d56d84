from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.journal import DiskError
from bench.spec import SpecError
from bench.tune import run as run_module
from bench.tune.race import HEAT_ROUNDS
from bench.tune.request import Request
from bench.tune.run import MOST_PROCESSES, done_lengths, plan, tune
from reports.runfile import RunFileError, read_run
from reports.schema import Point, Status
from reports.tuning.decision import decisions

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


def small(folder: Path, make_request: Make, **changes: Any) -> Request:
    out = str(folder / "tune.jsonl")
    return make_request("48,64", chunk_size="16,32", seconds="0.01", out=out, **changes)


@pytest.fixture(scope="module")
def finished(make_request: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A tuning of two lengths, which nobody changes, and what was told of it."""
    folder, told = tmp_path_factory.mktemp("finished"), Told()
    tune(plan(small(folder, make_request), resume=False), told)
    return folder / "tune.jsonl", told


@pytest.fixture
def asked(make_request: Make, tmp_path: Path) -> Request:
    return small(tmp_path, make_request)


def copied(finished: tuple[Path, Told], asked: Request, lines: int | None = None) -> Path:
    """The finished run's first lines, as the file of another tuning."""
    path = Path(str(asked.spec.out))
    path.write_text("".join(finished[0].read_text().splitlines(keepends=True)[:lines]))
    return path


def test_a_tuning_is_races_and_the_records_of_their_finalists(
    finished: tuple[Path, Told],
) -> None:
    path, told = finished
    run = read_run(path)
    assert [race.point.seq_len for race in run.races] == [48, 64]
    for race in run.races:
        assert [each.chunk_size for each in race.contenders] == [16, 32]
        assert race.wall_s > 0
        finalists = {each.chunk_size for each in race.contenders if each.outcome == "finalist"}
        assert 1 <= len(race.heats) <= MOST_PROCESSES
        for heat in race.heats:
            assert set(heat.rounds_ms) == finalists
            assert len(next(iter(heat.rounds_ms.values()))) >= HEAT_ROUNDS
        looked = {race.point_of(each.chunk_size).key: each for each in race.contenders}
        for record in (r for r in run.records if r.point.seq_len == race.point.seq_len):
            # The look and the full preparation count the same memory and see the same distance.
            assert record.memory is not None
            assert record.agreement is not None
            assert looked[record.key].workspace_bytes == record.memory.workspace_bytes
            assert looked[record.key].distance_to_full == record.agreement.distance_to_full
    # What is chosen, and nothing else, is measured like a point of any sweep.
    chosen = [each.chunk_size for each in decisions(run) if each.chunk_size is not None]
    assert [record.point.chunk_size for record in run.records] == chosen
    assert told.stages[0] == "T = 48: the race"
    assert told.stages[1].endswith("in a fresh process")
    assert run.environment.spec["tune"]["candidates"] == [16, 32]
    assert done_lengths(run) == {48, 64}


def test_a_finished_tuning_has_nothing_to_do(finished: tuple[Path, Told], asked: Request) -> None:
    path = copied(finished, asked)
    planned = plan(asked, resume=True)
    assert planned.todo == []
    tune(planned, Told())
    assert path.read_bytes() == finished[0].read_bytes()


def test_a_length_that_has_no_race_is_raced(finished: tuple[Path, Told], asked: Request) -> None:
    lines = finished[0].read_text().splitlines()
    second = next(i for i, line in enumerate(lines) if '"race"' in line and '"seq_len":64' in line)
    copied(finished, asked, second)
    planned = plan(asked, resume=True)
    assert planned.todo == [64]
    tune(planned, Told())
    run = read_run(planned.path)
    assert [race.point.seq_len for race in run.races] == [48, 64]
    assert done_lengths(run) == {48, 64}


def test_a_length_whose_chosen_one_was_not_measured_is_not_done(
    finished: tuple[Path, Told], asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However noisy this machine is now.
    monkeypatch.setattr("reports.tuning.decision.after_confirming", lambda *_: "")
    run = read_run(copied(finished, asked))
    run.records.clear()
    # Two chunk sizes are all that 48 has room for; at 64 nothing is decided by two.
    assert [each.chunk_size is None for each in decisions(run)] == [False, True]
    assert done_lengths(run) == {64}


def test_an_interrupted_tuning_keeps_its_file(asked: Request) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(plan(asked, resume=False), Told(interrupt_at=1))
    assert plan(asked, resume=True).todo == [48, 64]


class NoWorkers:
    """Measures nothing; counts the fresh processes that it is asked for."""

    def __init__(self, spec: object) -> None:
        self.fresh = 0

    def __enter__(self) -> NoWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, do: str, point: Point) -> None:
        raise AssertionError("nothing is measured here")

    ask_timed = ask

    def renew(self, point: Point) -> None:
        self.fresh += 1


@pytest.mark.parametrize(
    ("sure", "processes"),
    [([True], 1), ([False, True], 2), ([False, False, False], 3)],
)
def test_another_process_is_asked_until_one_agrees_with_the_one_before(
    finished: tuple[Path, Told],
    asked: Request,
    monkeypatch: pytest.MonkeyPatch,
    sure: list[bool],
    processes: int,
) -> None:
    (race, _), workers = read_run(finished[0]).races, NoWorkers(None)
    heat, answers = race.heats[0], iter([False, *sure])
    alone = race.model_copy(update={"heats": []})
    monkeypatch.setattr(run_module, "Workers", lambda spec: workers)
    monkeypatch.setattr(run_module.Racer, "race", lambda self, candidates: alone)
    monkeypatch.setattr(run_module.Racer, "heat", lambda self, finalists: heat)
    monkeypatch.setattr(run_module, "_is_confirmed", lambda plan, race: next(answers))
    monkeypatch.setattr(run_module, "_to_measure", lambda path, T: None)
    planned = plan(asked, resume=False)
    tune(replace(planned, todo=[48]), Told())
    (written,) = read_run(planned.path).races
    assert (len(written.heats), workers.fresh) == (processes, processes)


def test_a_run_file_is_never_overwritten(asked: Request, make_request: Make) -> None:
    Path(str(asked.spec.out)).write_text("{}")
    with pytest.raises(SpecError, match="exists and is never overwritten; go on in it with"):
        plan(asked, resume=False)
    with pytest.raises(RunFileError):
        plan(asked, resume=True)
    with pytest.raises(SpecError, match="--resume: name the run file"):
        plan(make_request("64"), resume=True)


def test_another_tunings_file_is_not_gone_on_with(
    finished: tuple[Path, Told], asked: Request, make_request: Make, tmp_path: Path
) -> None:
    copied(finished, asked)
    other = small(tmp_path, make_request, prefer="memory")
    with pytest.raises(SpecError, match=r"cannot be resumed.*prefer"):
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
