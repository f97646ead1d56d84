from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bench import sweep
from bench.desk import Desk
from bench.messages import Failure
from bench.points import expand
from bench.probes.ceilings import CeilingsError
from bench.spec import SpecError, SweepSpec, merge
from bench.supervisor import Supervisor
from bench.sweep import exit_code, plan, run
from reports.runfile import RunFileError, read_run
from reports.runwriter import RunWriter
from reports.schema import Ceiling, Point, Record, Status

SMALL = {
    "preset": "quick",
    "device": "cpu",
    "dim": "16",
    "heads": "2",
    "chunk_size": "8",
    "seconds": "0.01",
}


class Silent:
    """Progress that keeps the records it is told of."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def say(self, sentence: str) -> None:
        pass

    def watch(self, point: Point) -> None:
        pass

    def finish(self, record: Record, seconds_left: float | None) -> None:
        self.records.append(record)


def test_every_point_becomes_a_record(tmp_path: Path) -> None:
    flags = SMALL | {"variants": "hatrick,full", "seq_len": "16,24", "scope": "layer,core"}
    spec, preset = merge(flags | {"out": str(tmp_path / "new" / "run.jsonl")})
    prepared = plan(spec, preset=preset, command="hatrick sweep", resume=False)
    assert not prepared.path.exists()
    silent = Silent()
    run(prepared, silent)
    read = read_run(prepared.path)
    assert read.records == silent.records
    assert sorted(r.key for r in read.records) == sorted(p.point.key for p in prepared.todo)
    assert [r.point.seq_len for r in read.records] == [16] * 4 + [24] * 4
    found = {(r.point.variant, r.point.scope): r.status for r in read.records}
    assert found == {
        ("hatrick", "layer"): Status.OK,
        ("hatrick", "core"): Status.UNSUPPORTED,
        ("full", "layer"): Status.OK,
        ("full", "core"): Status.OK,
    }
    assert read.environment.spec["seq_len"] == [16, 24]
    assert read.environment.command == "hatrick sweep"


def test_a_sweep_of_unsupported_points_starts_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "ask", None)
    flags = SMALL | {"variants": "hatrick", "scope": "core", "out": str(tmp_path / "run.jsonl")}
    spec, preset = merge(flags)
    prepared = plan(spec, preset=preset, command="", resume=False)
    run(prepared, Silent())
    assert {r.status for r in read_run(prepared.path).records} == {Status.UNSUPPORTED}


def test_the_run_files_name_tells_when_and_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec, preset = merge(SMALL)
    path = plan(spec, preset=preset, command="", resume=False).path
    assert path.parent == Path("results")
    assert path.name.endswith("Z-quick.jsonl")


def test_resume_finds_the_run_of_this_sweep_and_starts_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16,24"}
    spec, preset = merge(flags)
    first = plan(spec, preset=preset, command="", resume=False)
    run(first, Silent())
    again = plan(spec, preset=preset, command="", resume=True)
    assert (again.path, again.resumes, again.todo, again.done) == (first.path, True, [], 2)
    named, preset = merge(flags | {"out": "new.jsonl"})
    fresh = plan(named, preset=preset, command="", resume=True)
    assert (fresh.resumes, len(fresh.todo), fresh.done) == (False, 2, 0)
    run(fresh, Silent())
    assert len(read_run("new.jsonl").records) == 2


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spec, preset = merge(SMALL | {"out": str(tmp_path / "file" / "run.jsonl")})
    with pytest.raises(SpecError, match="cannot be written"):
        run(plan(spec, preset=preset, command="", resume=False), Silent())


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok", "unsupported", "left_out"], 0),
        ([], 0),
        (["ok", "out_of_memory"], 1),
        (["disagrees"], 1),
        (["timeout"], 1),
        (["crashed"], 1),
        (["throttled"], 1),
    ],
)
def test_exit_codes(statuses: list[str], code: int) -> None:
    assert exit_code(statuses) == code


def test_a_disk_that_is_full_is_a_sentence_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16,24,32"}
    spec, preset = merge(flags | {"out": str(tmp_path / "run.jsonl")})
    prepared = plan(spec, preset=preset, command="", resume=False)
    real, written = RunWriter.write, []

    def write(self: RunWriter, record: Record) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(record)
        real(self, record)

    monkeypatch.setattr(RunWriter, "write", write)
    with pytest.raises(SpecError, match=r"No space left on device.*--resume"):
        run(prepared, Silent())
    assert read_run(prepared.path).records == written


def test_points_of_one_run_are_not_done_because_they_crashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = SMALL | {"variants": "full", "seq_len": "16", "out": str(tmp_path / "run.jsonl")}
    spec, preset = merge(flags)
    monkeypatch.setattr(
        Supervisor, "ask", lambda *_: Failure(status=Status.CRASHED, reason="no luck")
    )
    run(plan(spec, preset=preset, command="", resume=False), Silent())
    again = plan(spec, preset=preset, command="", resume=True)
    assert (len(again.todo), again.done) == (1, 0)


def test_a_sweep_that_is_gone_on_with_learns_from_the_run_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = []

    class Watched(Desk):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            learnt.append(self._forecast.has_learnt)

    monkeypatch.setattr(sweep, "Desk", Watched)
    monkeypatch.setattr(
        Supervisor, "ask", lambda *_: Failure(status=Status.CRASHED, reason="no luck")
    )
    flags = SMALL | {"variants": "full", "seq_len": "16", "out": str(tmp_path / "run.jsonl")}
    spec, preset = merge(flags)
    for resume in (False, True):
        run(plan(spec, preset=preset, command="", resume=resume), Silent())
    assert learnt == [False, True]


def test_two_sweeps_never_write_one_run_file(tmp_path: Path) -> None:
    path, journal = tmp_path / "run.jsonl", tmp_path / "run.jsonl.visits"
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16", "out": str(path)}
    spec, preset = merge(flags)
    first = plan(spec, preset=preset, command="", resume=False)
    with RunWriter(path, first.environment):
        journal.write_text("an answer of the other sweep")
        with pytest.raises(RunFileError, match="is being written by another sweep"):
            run(plan(spec, preset=preset, command="", resume=True), Silent())
        assert journal.read_text() == "an answer of the other sweep"
    run(plan(spec, preset=preset, command="", resume=True), Silent())
    assert len(read_run(path).records) == 1


def _ceiling(device: str, dtype: str) -> Ceiling:
    return Ceiling(
        device=device,
        device_name="Example CPU 9000",
        dtype=dtype,
        started_at=datetime.now(UTC),
        product_rows=1000,
        product_ms=[4.0, 2.0],
        copy_bytes=10**9,
        copy_ms=[50.0, 100.0],
    )


def test_ceilings_are_written_before_the_points_and_after_a_long_sweep_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lambda device, dtypes: [_ceiling(str(device), dtype) for dtype in dtypes]  # noqa: E731
    monkeypatch.setattr("bench.sweep.ceilings", found)
    spec = SweepSpec(seq_len=[16], dtype=["float32"], seconds=0.01, dim=16, heads=2, chunk_size=[8])
    for name, after_s, times in (("short", 60.0, 1), ("long", 0.0, 2)):
        monkeypatch.setattr("bench.sweep.DRIFTS_AFTER_S", after_s)
        out = tmp_path / f"{name}.jsonl"
        prepared = plan(
            spec.model_copy(update={"out": str(out)}), preset="t", command="t", resume=False
        )
        run(prepared, Silent())
        read = read_run(out)
        assert [ceiling.dtype for ceiling in read.ceilings] == ["float32"] * times
        assert read.ceilings[0].flops_per_s == pytest.approx(1e12)
        assert read.ceilings[0].bytes_per_s == pytest.approx(4e10)
        assert not read.damaged
        assert len(read.records) == 2


def test_a_sweep_without_ceilings_says_why_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: object, dtypes: object) -> NoReturn:
        raise CeilingsError("no room")

    class Listening(Silent):
        def say(self, sentence: str) -> None:
            said.append(sentence)

    said: list[str] = []
    monkeypatch.setattr("bench.sweep.ceilings", refuse)
    spec = SweepSpec(seq_len=[16], seconds=0.01, dim=16, heads=2, out=str(tmp_path / "run.jsonl"))
    run(plan(spec, preset="t", command="t", resume=False), Listening())
    assert said == ["What cpu can do at most could not be measured: no room"]
    assert len(read_run(tmp_path / "run.jsonl").records) == 2


class Noting(Silent):
    """And what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def test_a_refinement_measures_in_the_same_run_file_by_the_same_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_more(spec: SweepSpec, read: Any, measure: Any, say: Any) -> None:
        before = len(read().records)
        measure(expand(spec.model_copy(update={"seq_len": [20]})))
        say(f"{before} and {len(read().records) - before} more")

    monkeypatch.setattr("bench.sweep.refine", one_more)
    out = tmp_path / "run.jsonl"
    flags = SMALL | {"variants": "full", "seq_len": "16", "out": str(out), "refine": "crossovers"}
    spec, preset = merge(flags)
    progress = Noting()
    run(plan(spec, preset=preset, command="", resume=False), progress)
    read = read_run(out)
    assert [record.point.seq_len for record in read.records] == [16, 20]
    assert {record.status for record in read.records} == {Status.OK}
    assert progress.said == ["1 and 1 more"]
    assert read.environment.spec["refine"] == "crossovers"
    assert not out.with_name("run.jsonl.visits").exists()


def test_a_refinement_is_gone_on_with_when_all_points_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refined = []
    monkeypatch.setattr("bench.sweep.refine", lambda spec, *rest: refined.append(spec.refine))
    out = str(tmp_path / "run.jsonl")
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16", "out": out}
    spec, preset = merge(flags | {"refine": "crossovers"})
    run(plan(spec, preset=preset, command="", resume=False), Silent())
    again = plan(spec, preset=preset, command="", resume=True)
    assert again.todo == []
    run(again, Silent())
    assert refined == ["crossovers"] * 2


def test_a_sweep_without_it_is_not_refined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.sweep.refine", None)
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16"}
    spec, preset = merge(flags | {"out": str(tmp_path / "run.jsonl")})
    silent = Silent()
    run(plan(spec, preset=preset, command="", resume=False), silent)
    assert len(silent.records) == 1
