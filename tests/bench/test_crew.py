from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import torch

from bench import crew as crew_module
from bench import device as device_module
from bench.contention import Contention
from bench.journal import DiskError
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from bench.spec import SpecError, merge
from bench.sweep import Plan, plan, run
from reports.figures import Agreement, Memory
from reports.runfile import key_on_any, read_run
from reports.runwriter import RunWriter
from reports.schema import Point, Record, Status

QUIET = Contention(run_ns=1, wait_ns=0, steal_s=0.0, cores_s=1.0)
TWO = [torch.device("cpu", 0), torch.device("cpu", 1)]
ASKED: list[tuple[str, str, int, int]] = []
"""What was asked, of which device, at which length, in which thread."""
ENDED: list[tuple[str, str]] = []


class Worker:
    """Answers at once; a meeting point makes sure that two devices work at the same time."""

    meeting: threading.Barrier | None = None
    fails: Callable[[Point], bool] = staticmethod(lambda point: False)
    starting_s = 0.0

    def __init__(self, plugins: list[str], **settings: Any) -> None:
        self.settings = settings["allocator"], settings["wait_policy"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ENDED.append(self.settings)

    def end(self) -> None:
        ASKED.append(("end", "", 0, 0))

    def ask(self, do: str, point: Point) -> Answer:
        first_of_its_group = do == "prepare" and not any(
            (device, seq_len) == (point.device, point.seq_len) for _, device, seq_len, _ in ASKED
        )
        ASKED.append((do, point.device, point.seq_len, threading.get_ident()))
        if self.meeting is not None and first_of_its_group:
            self.meeting.wait(20)
        assert self.settings == (point.allocator, point.wait_policy)
        if do == "prepare":
            return PREPARED if not self.fails(point) else Failure(status="crashed", reason="no")
        return VISIT if do == "visit" else Finished()


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
VISIT = Visit(
    samples_ms=[1.0] * 4,
    sampling_s=0.004,
    warmup_ms=1.0,
    warmup_calls=1,
    stationary=True,
    contention=QUIET,
)


class Silent:
    """Progress that nobody sees."""

    def say(self, sentence: str) -> None:
        pass

    def watch(self, point: Point) -> None:
        pass

    def finish(self, record: Record, seconds_left: float | None) -> None:
        pass


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices that both are the CPU, and workers that answer at once."""
    ASKED.clear()
    ENDED.clear()
    monkeypatch.setattr(device_module, "resolve_all", lambda names: TWO)
    monkeypatch.setattr(crew_module, "Supervisor", Worker)
    monkeypatch.setattr(Worker, "meeting", None)
    monkeypatch.setattr(Worker, "fails", staticmethod(lambda point: False))


def planned(tmp_path: Path, resume: bool = False, **flags: str) -> Plan:
    usual = {"preset": "quick", "variants": "full,hatrick", "seq_len": "16,24,32,40"}
    usual |= {"dim": "16", "heads": "2", "chunk_size": "8", "out": str(tmp_path / "run.jsonl")}
    spec, preset = merge(usual | flags)
    return plan(spec, preset=preset, command="", resume=resume)


def test_two_devices_share_the_groups_and_a_group_stays_on_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "meeting", threading.Barrier(2))
    prepared = planned(tmp_path)
    run(prepared, Silent())
    records = read_run(prepared.path).records
    assert len(records) == 8
    assert {record.status for record in records} == {Status.OK}
    devices = {(record.point.seq_len, record.point.device) for record in records}
    # Neither goes on before the other has got a group as well, so each gets two.
    assert sorted(device for _, device in devices) == ["cpu:0", "cpu:0", "cpu:1", "cpu:1"]
    assert sorted(seq_len for seq_len, _ in devices) == [16, 24, 32, 40]
    for device in ("cpu:0", "cpu:1"):
        assert len({thread for _, where, _, thread in ASKED if where == device}) == 1


def test_a_run_is_gone_on_with_whichever_device_has_measured_a_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "meeting", threading.Barrier(2))
    monkeypatch.setattr(Worker, "fails", staticmethod(lambda point: point.seq_len == 40))
    run(planned(tmp_path), Silent())
    monkeypatch.setattr(Worker, "meeting", None)
    monkeypatch.setattr(Worker, "fails", staticmethod(lambda point: False))
    again = planned(tmp_path, resume=True)
    assert again.done == 6
    assert {each.point.seq_len for each in again.todo} == {40}
    run(again, Silent())
    last = planned(tmp_path, resume=True)
    assert (last.todo, last.done) == ([], 8)


def test_workers_of_other_settings_are_other_workers_and_all_are_ended(tmp_path: Path) -> None:
    prepared = planned(tmp_path, seq_len="16", allocator="kept,system")
    run(prepared, Silent())
    settings = {(r.point.allocator, r.point.wait_policy) for r in read_run(prepared.path).records}
    assert settings == {("kept", "passive"), ("system", "passive")} == set(ENDED)


def test_a_point_that_leaks_leaves_its_worker_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = PREPARED.memory.model_copy(update={"retained_bytes": 8})
    monkeypatch.setitem(globals(), "PREPARED", PREPARED.model_copy(update={"memory": leaking}))
    run(planned(tmp_path, variants="full", seq_len="16"), Silent())
    assert [do for do, *_ in ASKED][-2:] == ["finish", "end"]


def test_an_error_on_one_device_ends_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(record: Record) -> None:
        raise SpecError("the disk is full")

    prepared = planned(tmp_path)
    monkeypatch.setattr("bench.desk.RunWriter.write", lambda *_: broken(_[-1]))
    with pytest.raises(SpecError, match="the disk is full"):
        run(prepared, Silent())
    assert prepared.path.with_name("run.jsonl.visits").exists()
    assert len(ENDED) == len({thread for *_, thread in ASKED})


def test_an_error_on_one_device_waits_for_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first device hangs until its worker is ended; the second one's disk is full."""
    ended = threading.Event()

    class Hanging(Worker):
        def ask(self, do: str, point: Point) -> Answer:
            if point.device == "cpu:0":
                assert ended.wait(20)
            return super().ask(do, point)

        def __exit__(self, *_: object) -> None:
            super().__exit__()
            ended.set()

    def full(self: RunWriter, record: Record) -> None:
        assert not ended.is_set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(crew_module, "Supervisor", Hanging)
    monkeypatch.setattr(RunWriter, "write", full)
    with pytest.raises(DiskError, match="No space left on device"):
        run(planned(tmp_path), Silent())


def test_a_crashed_point_that_is_tried_again_has_nothing_of_its_first_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It crashes at its third visit, and Ctrl-C comes at the next length."""
    monkeypatch.setattr(device_module, "resolve_all", lambda names: TWO[:1])
    real, visits = Worker.ask, []

    def crash(self: Worker, do: str, point: Point) -> Answer:
        if point.seq_len == 24:
            raise KeyboardInterrupt
        if do == "visit" and point.variant == "full":
            visits.append(point)
            if len(visits) == 3:
                return Failure(status="crashed", reason="no")
        return real(self, do, point)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "ask", crash)
        with pytest.raises(KeyboardInterrupt):
            run(planned(tmp_path), Silent())
    (tried,) = [r for r in read_run(tmp_path / "run.jsonl").records if r.status == "crashed"]
    assert tried.key in (tmp_path / "run.jsonl.visits").read_text()
    ASKED.clear()
    run(planned(tmp_path, resume=True), Silent())
    asked = [do for do, _, seq_len, _ in ASKED if seq_len == tried.point.seq_len]
    again = read_run(tmp_path / "run.jsonl").latest
    (record,) = [r for r in again if key_on_any(r.point) == key_on_any(tried.point)]
    assert record.latency is not None
    assert asked == ["prepare", *["visit"] * len(record.latency.visits), "finish"]


def test_devices_of_two_models_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(device_module, "model_name", lambda device: f"model {device.index}")
    with pytest.raises(SpecError, match="not of one model"):
        planned(tmp_path, device="cuda:0,cuda:1")
    assert list(tmp_path.iterdir()) == []
